import { readFileSync } from 'node:fs';
import { isBuilt } from './docker.ts';
import { healthy } from './healthchecks.ts';
import type { ComposeService, TestStack } from './stack.ts';

/** One kind of database server as a service of a test stack: how it is filled, described and logged in to. */
export interface Server {
  /** Image, service and volume. */
  readonly name: string;
  readonly engine: 'mariadb' | 'mysql' | 'postgres';
  /** Every database that a backup of the seeded server holds. */
  readonly databases: readonly string[];
  readonly accounts: string;
  /** Of the seeded table `kinds`. */
  readonly rows: number;
  /** What a backup says about what it cannot carry. */
  readonly warning: RegExp;
  service(changes?: Readonly<Record<string, unknown>>): ComposeService;
  /** SQL as the superuser; fails the test at its first error. */
  sql(stack: TestStack, text: string): Promise<string>;
  seed(stack: TestStack): Promise<void>;
  /** Other content, other tables, a lost database, and a connection that stays open: what a restore has to make good. */
  spoil(stack: TestStack): Promise<void>;
  /** Every object, account and grant, and a hash of the content of every table: equal before and after, or something was lost. */
  describe(stack: TestStack): Promise<string[]>;
  /** Logs in over the network, where a password is asked for, and asks what `reader` may see. Resolves with a number of rows, or with what was refused. */
  login(stack: TestStack, user: string, password: string): Promise<string>;
}

export const superPassword = 'planted-super-pw';
/** Of the account `reader` in the seeds. */
export const readerPassword = `r'ead "er" $HOME \\ ü🚤`;

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/sql/${name}.sql`, import.meta.url), 'utf8');

const serverDatabases = ['--help', `Odd-Name "x" 'y' $HOME`, 'a`b\\\\c', 'empty_one', 'shop', 'Überfluß'];
const postgresDatabases = ['--help', `Odd-Name "x" 'y' $HOME \\ 🚤`, 'a=b host=nowhere', 'empty_one', 'our_template', 'postgres', 'shop'];

function sqlServer(name: string, engine: 'mariadb' | 'mysql'): Server {
  const client = `MYSQL_PWD="\${MYSQL_ROOT_PASSWORD-$(cat "\${MYSQL_ROOT_PASSWORD_FILE-/dev/null}")}" ${engine} --user=root --default-character-set=utf8mb4 --batch --skip-column-names`;
  const ping = engine === 'mysql' ? 'mysqladmin --protocol=tcp -h 127.0.0.1 ping' : 'healthcheck.sh --connect --innodb_initialized';
  const server: Server = {
    name,
    engine,
    databases: serverDatabases,
    accounts: '@accounts',
    rows: 502,
    warning:
      engine === 'mariadb'
        ? /2 tables of database shop are not transactional.*1 tables of database shop keep a history/
        : /2 tables of database shop are not trans/,
    service: (changes = {}) => ({
      image: `davit-test/${name}`,
      environment: { MYSQL_ROOT_PASSWORD: superPassword },
      volumes: [`${name}:/var/lib/mysql`],
      labels: ['davit.enable=true'],
      healthcheck: healthy(...ping.split(' ')),
      ...changes,
    }),
    sql: (stack, text) => stack.sh(name, client, text),
    async seed(stack) {
      await stack.sh(name, 'install -d -m 700 /var/lib/mysql/lost+found');
      await server.sql(stack, `${fixture('server-seed')}\n${fixture(`${engine}-seed`)}`);
    },
    async spoil(stack) {
      await server.sql(stack, fixture('server-spoil'));
      await stack.compose('exec', '-d', name, 'sh', '-c', `${client} --execute='SELECT SLEEP(600)' shop`);
    },
    async describe(stack) {
      const objects = await server.sql(stack, `${fixture('server-objects')}\n${fixture(`${engine}-accounts`)}`);
      const contents = await stack.sh(name, `${client} --raw | ${client}`, fixture('server-contents'));
      return `${objects}\n${contents}`.split('\n').toSorted();
    },
    login: (stack, user, password) =>
      stack.sh(
        name,
        `read -r MYSQL_PWD; export MYSQL_PWD; ${engine} --protocol=tcp --host=127.0.0.1 --user='${user}' ${engine === 'mariadb' ? '--skip-ssl' : ''} --skip-column-names -e 'SELECT COUNT(*) FROM shop.a_view' 2>&1 || true`,
        `${password}\n`,
      ),
  };
  return server;
}

function postgresServer(name: string): Server {
  const password = 'PGPASSWORD="${POSTGRES_PASSWORD-$(cat "${POSTGRES_PASSWORD_FILE-/dev/null}")}"';
  const client = `${password} psql -X -q -A -t -v ON_ERROR_STOP=1 --username=postgres --dbname=postgres`;
  const server: Server = {
    name,
    engine: 'postgres',
    databases: postgresDatabases,
    accounts: '@roles',
    rows: 503,
    warning: /database shut allows no connections/,
    service: (changes = {}) => ({
      image: `davit-test/${name}`,
      environment: { POSTGRES_PASSWORD: superPassword },
      volumes: [`${name}:/var/lib/postgresql/data`],
      labels: ['davit.enable=true'],
      healthcheck: healthy('pg_isready', '-h', '127.0.0.1'),
      ...changes,
    }),
    sql: (stack, text) => stack.sh(name, client, text),
    async seed(stack) {
      await stack.sh(name, 'install -d -o postgres -g postgres /srv/fast');
      await server.sql(stack, fixture('postgres-seed'));
    },
    async spoil(stack) {
      await server.sql(stack, fixture('postgres-spoil'));
      await stack.compose('exec', '-d', name, 'psql', '--username=postgres', '--dbname=shop', '--command=SELECT pg_sleep(600)');
    },
    async describe(stack) {
      const connect = (name: string): string =>
        `\\connect -reuse-previous=on "${name.includes('=') ? `dbname='${name}'` : name.replaceAll('"', '""')}"`;
      const parts = postgresDatabases.flatMap((name, index) => [connect(name), `\\echo database ${index}`, fixture('postgres-objects')]);
      return (await server.sql(stack, [fixture('postgres-cluster'), ...parts].join('\n'))).split('\n');
    },
    login: (stack, user, password) =>
      stack.sh(
        name,
        `read -r PGPASSWORD; export PGPASSWORD; psql -X -A -t --host="$(hostname -i)" --username='${user}' --dbname=shop -c 'SELECT count(id) FROM app.kinds' 2>&1 || true`,
        `${password}\n`,
      ),
  };
  return server;
}

export const servers: readonly Server[] = [
  sqlServer('mariadb-10.11', 'mariadb'),
  sqlServer('mariadb-11.8', 'mariadb'),
  postgresServer('postgres-15'),
  postgresServer('postgres-17'),
  sqlServer('mysql-9', 'mysql'),
];

/** Of these only the optional ones may be absent; who has not built them sees it. */
export async function presentServers(): Promise<readonly Server[]> {
  return (await isBuilt('mysql-9')) ? servers : servers.filter(({ name }) => name !== 'mysql-9');
}
