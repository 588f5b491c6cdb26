import { healthy } from './healthchecks.ts';
import { type ComposeService, davitImage } from './stack.ts';

/** Services that tests are made of, as compose knows them. Passwords are planted: no output may show them. */

export const planted = { maria: 'planted-maria-password', postgres: 'planted-postgres-password' } as const;

export function app(volume: string, more: Partial<ComposeService> = {}): ComposeService {
  return { image: 'davit-test/app', volumes: [`${volume}:/data`], labels: ['davit.enable=true'], ...more };
}

export function maria(volume: string, more: Partial<ComposeService> = {}): ComposeService {
  return {
    image: 'davit-test/mariadb-11.8',
    environment: { MARIADB_ROOT_PASSWORD: planted.maria, MARIADB_DATABASE: 'shop' },
    volumes: [`${volume}:/var/lib/mysql`],
    labels: ['davit.enable=true'],
    healthcheck: healthy('healthcheck.sh', '--connect'),
    ...more,
  };
}

export function postgres(volume: string, more: Partial<ComposeService> = {}): ComposeService {
  return {
    image: 'davit-test/postgres-17',
    environment: { POSTGRES_PASSWORD: planted.postgres },
    volumes: [`${volume}:/var/lib/postgresql/data`],
    labels: ['davit.enable=true'],
    healthcheck: healthy('pg_isready', '-h', '127.0.0.1'),
    ...more,
  };
}

/** Healthy when the real server runs, which does not answer where it usually does. */
const real = (ping: string, program: string) => ({ healthcheck: healthy('sh', '-c', `grep -qx ${program} /proc/1/comm && ${ping}`) });

export const unreachable = {
  maria: (volume: string) => maria(volume, { command: ['mariadbd', '--port=3307'], ...real('mariadb-admin ping', 'mariadbd') }),
  postgres: (volume: string) => postgres(volume, { command: ['postgres', '-c', 'listen_addresses='], ...real('pg_isready', 'postgres') }),
};

export const sqlIn = {
  maria: (sql: string) => `mariadb -uroot -p${planted.maria} -N shop -e "${sql}"`,
  postgres: (sql: string) => `psql -U postgres -At -c "${sql}"`,
};

/** An app that does nothing, of an image that has Node, and with it SQLite. */
export function nodeApp(volume: string, more: Partial<ComposeService> = {}): ComposeService {
  return app(volume, {
    image: davitImage,
    pull_policy: 'never',
    entrypoint: ['sleep', 'infinity'],
    init: true,
    healthcheck: healthy('true'),
    ...more,
  });
}

/** An app that writes into /data/app.db as fast as it can. /tmp/first is the last row that it found when it started, /tmp/last the last one that it has committed. */
export function sqliteApp(volume: string, mode: 'wal' | 'delete', more: Partial<ComposeService> = {}): ComposeService {
  const script = `
    const { writeFileSync } = require('node:fs');
    const database = new (require('node:sqlite').DatabaseSync)('/data/app.db', { timeout: 60_000 });
    database.exec('PRAGMA journal_mode = ${mode}; PRAGMA user_version = 7; CREATE TABLE IF NOT EXISTS t (a)');
    let i = database.prepare('SELECT coalesce(max(a), 0) AS last FROM t').get().last;
    writeFileSync('/tmp/first', String(i));
    setInterval(() => {
      i += 1;
      database.exec('INSERT INTO t VALUES (' + i + ')');
      writeFileSync('/tmp/last', String(i));
    }, 5);`;
  return nodeApp(volume, { entrypoint: ['node', '-e', script], healthcheck: healthy('test', '-e', '/tmp/last'), ...more });
}

/** A shell line for the only value of a query; where Davit's image runs. */
export function sqliteIn(file: string, query: string): string {
  const script = `console.log(...Object.values(new (require("node:sqlite").DatabaseSync)("${file}", { timeout: 60000 }).prepare("${query}").get()))`;
  return `node -e '${script}'`;
}
