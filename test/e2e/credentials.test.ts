import { expect, test } from 'vitest';
import { presentServers, readerPassword, superPassword } from '../support/databases.ts';
import { createStack } from '../support/stack.ts';

const servers = (await presentServers()).filter(({ name }) => ['mariadb-11.8', 'mysql-9', 'postgres-17'].includes(name));
const names = servers.map(({ name }) => name);
const [maria, postgres] = ['mariadb-11.8', 'postgres-17'].map((name) => servers.find((server) => server.name === name));

test('a stack with other passwords, given as files, keeps them; accounts that only the snapshot knows come with theirs', async () => {
  const app = { MYSQL_USER: 'app', MYSQL_PASSWORD: 'old-app-pw', MYSQL_DATABASE: 'app' };
  await using old = await createStack({
    services: Object.fromEntries(
      servers.map((server) => [
        server.name,
        server.service(server.engine === 'postgres' ? {} : { environment: { MYSQL_ROOT_PASSWORD: superPassword, ...app } }),
      ]),
    ),
    volumes: names,
  });
  await old.up();
  for (const server of servers) await server.seed(old);
  await old.backup();

  const secrets = { root: 'new "super" $pw \\', app: 'new-app-pw' };
  const environment = { MYSQL_ROOT_PASSWORD_FILE: '/run/secrets/root', MYSQL_USER: 'app', MYSQL_PASSWORD_FILE: '/run/secrets/app' };
  await using other = await createStack({
    services: Object.fromEntries(
      servers.map((server) => [
        server.name,
        server.service({
          environment: server.engine === 'postgres' ? { POSTGRES_PASSWORD_FILE: '/run/secrets/root' } : environment,
          secrets: ['root', 'app'],
        }),
      ]),
    ),
    volumes: names,
    files: secrets,
    top: {
      secrets: { root: { file: './root' }, app: { file: './app' } },
      volumes: { ...Object.fromEntries(names.map((name) => [name, {}])), backups: { external: true, name: `${old.project}_backups` } },
    },
  });
  await other.up();
  await other.restore('latest', '--from-stack', old.project);

  for (const server of servers) {
    const superuser = server.engine === 'postgres' ? 'postgres' : 'root';
    expect.soft(await server.login(other, superuser, secrets.root), server.name).toMatch(/^\d+$/);
    expect.soft(await server.login(other, superuser, superPassword), server.name).toMatch(/denied|failed/);
    expect.soft(await server.login(other, 'reader', readerPassword), server.name).toMatch(/^\d+$/);
    if (server.engine === 'postgres') continue;
    expect.soft(await server.login(other, 'app', secrets.app), server.name).toMatch(/command denied/);
    expect.soft(await server.login(other, 'app', 'old-app-pw'), server.name).toMatch(/Access denied/);
  }
  expect((await other.backup()).artifacts).toHaveLength(names.length * 7 + 3);
});

test('labels name the account, its password and the databases; an empty server is restored without that account', async () => {
  if (maria === undefined || postgres === undefined) throw new Error('these images are not optional: scripts/images.sh');
  await using stack = await createStack({
    services: {
      [maria.name]: maria.service({
        secrets: ['backup'],
        labels: [
          'davit.dump.user=backup',
          'davit.dump.password-file=/run/secrets/backup',
          'davit.dump.databases=shop, Stats',
          'davit.dump.options=--ignore-table=shop.cache "--comments"',
        ],
      }),
      [postgres.name]: postgres.service({
        environment: {
          POSTGRES_PASSWORD: superPassword,
          POSTGRES_INITDB_ARGS: '--auth-local=scram-sha-256',
          DUMP_PASSWORD: 'planted "pg" $$backup \\',
        },
        labels: ['davit.dump=postgres', 'davit.dump.user=backup', 'davit.dump.password-env=DUMP_PASSWORD', 'davit.dump.databases=stats'],
      }),
    },
    volumes: [maria.name, postgres.name],
    files: { backup: "planted 'maria' $backup \\\n" },
    top: { secrets: { backup: { file: './backup' } } },
  });
  await stack.up();
  await maria.sql(
    stack,
    `CREATE DATABASE shop; CREATE DATABASE Stats; CREATE DATABASE private;
     CREATE TABLE shop.t AS SELECT 1 AS id; CREATE TABLE shop.cache AS SELECT 1 AS id; CREATE TABLE Stats.t AS SELECT 2 AS id;
     CREATE USER backup@localhost IDENTIFIED BY 'planted ''maria'' $backup \\\\';
     GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON *.* TO backup@localhost;
     ALTER USER root@localhost IDENTIFIED BY 'changed';`,
  );
  await postgres.sql(
    stack,
    `CREATE DATABASE stats; CREATE DATABASE private;
     CREATE ROLE backup LOGIN PASSWORD 'planted "pg" $backup \\' IN ROLE pg_read_all_data;
     \\connect stats
     CREATE TABLE t AS SELECT generate_series(1, 7) AS id;`,
  );

  const manifest = await stack.backup();
  expect(manifest.artifacts.map(({ service, name, tables }) => [service, name, tables])).toEqual([
    [maria.name, '@accounts', []],
    [maria.name, 'shop', [{ name: 't', rows: 1 }]],
    [maria.name, 'Stats', [{ name: 't', rows: 1 }]],
    [postgres.name, 'stats', [{ name: 'public.t', rows: 7 }]],
  ]);
  expect(manifest.warnings.join('\n')).toMatch(/this login is no superuser and may not read roles/);

  await stack.wipe([maria.name, postgres.name], [maria.name, postgres.name]);
  await stack.up();
  await stack.restore('latest');
  expect(await maria.sql(stack, 'SELECT id FROM shop.t UNION SELECT id FROM Stats.t')).toBe('1\n2');
  expect(await postgres.sql(stack, '\\connect stats\nSELECT sum(id) FROM t')).toBe('28');
});
