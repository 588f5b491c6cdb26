import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DrillReport } from '../../src/model/drill.ts';
import type { Manifest } from '../../src/model/snapshot.ts';
import { createFilesystemStorage } from '../../src/storage/filesystem.ts';
import { createAgeKeys } from '../support/age-keys.ts';
import { docker, until } from '../support/docker.ts';
import { app, maria, nodeApp, planted, postgres, sqlIn } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';
import { shared } from './failures/layout.ts';
import { folderOf } from './failures/look.ts';

const redisPassword = 'planted-redis-password';

let stack: TestStack;
let good: Manifest;

beforeAll(async () => {
  stack = await createStack({
    services: {
      app: nodeApp('files', { labels: ['davit.enable=true', 'davit.command.list=ls -l /data'] }),
      maria: maria('maria'),
      postgres: postgres('postgres', {
        environment: { POSTGRES_USER: 'owner', POSTGRES_PASSWORD_FILE: '/run/secrets/password', POSTGRES_DB: 'shop' },
        secrets: ['password'],
      }),
      redis: {
        image: 'davit-test/redis-7',
        command: ['redis-server', '--requirepass', redisPassword],
        volumes: ['redis:/data'],
        labels: ['davit.enable=true'],
      },
    },
    volumes: ['files', 'maria', 'postgres', 'redis'],
    files: { password: planted.postgres },
    top: { secrets: { password: { file: './password' } } },
  });
  await stack.up();
  await stack.sh('app', `mkdir -p /data/deep && echo word > /data/deep/a && ln -s a /data/deep/link && chown 12:34 /data/deep/a`);
  await stack.sh('app', `node -e 'new (require("node:sqlite").DatabaseSync)("/data/app.db").exec("CREATE TABLE t AS SELECT 7 AS id")'`);
  await stack.sh(
    'maria',
    sqlIn.maria(`CREATE TABLE t AS SELECT 1 AS id; CREATE USER clerk@'%' IDENTIFIED BY 'x'; GRANT SELECT ON shop.t TO clerk@'%'`),
  );
  await stack.sh(
    'postgres',
    `psql -q -U owner -d shop -c 'CREATE ROLE clerk' -c 'CREATE TABLE t AS SELECT generate_series(1, 100) AS id' -c 'ALTER TABLE t OWNER TO clerk'`,
  );
  await stack.sh('redis', `REDISCLI_AUTH=${redisPassword} redis-cli set key value`);
  good = await stack.backup();
});
afterAll(() => stack[Symbol.asyncDispose]());

const services = ['app', 'maria', 'postgres', 'redis', 'davit'];

/** Which containers there are, since when they run, and what is in them. */
async function state(): Promise<unknown> {
  const ids = await Promise.all(services.map((service) => stack.container(service)));
  return {
    containers: await docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}} {{.RestartCount}} {{json .NetworkSettings.Networks}}', ...ids),
    // What was written since would show in these.
    maria: await stack.sh(
      'maria',
      `${sqlIn.maria('SELECT * FROM t')}; ${sqlIn.maria("SELECT variable_value FROM information_schema.global_status WHERE variable_name IN ('Com_create_db', 'Com_drop_db', 'Com_insert', 'Com_update')")}`,
    ),
    postgres: await stack.sh(
      'postgres',
      `psql -U owner -d shop -At -c 'SELECT n_tup_ins, n_tup_upd, n_tup_del, pg_relation_filenode(relid) FROM pg_stat_user_tables' -c 'SELECT oid FROM pg_database ORDER BY oid'`,
    ),
    redis: await stack.sh(
      'redis',
      `REDISCLI_AUTH=${redisPassword} redis-cli info persistence | grep rdb_changes; redis-cli -a ${redisPassword} info replication 2>/dev/null | grep role`,
    ),
    app: await stack.sh('app', `find /data -exec stat -c '%n %u %Z %s' {} +`),
  };
}

/** The throw-away server of a service, as Docker describes it. */
async function twinOf(service: string): Promise<string> {
  let id = '';
  const isThere = async (): Promise<boolean> =>
    (id = await docker('ps', '-q', '--filter', `name=davit-drill-${stack.project}-${service}-`)) !== '';
  await until(`the new server for ${service} runs`, isThere, 60_000);
  return docker('inspect', id);
}

async function processesOfDrill(): Promise<number[]> {
  const { stdout } = await execa('docker', ['top', await stack.container('davit'), '-eo', 'pid,args']);
  return stdout.split('\n').flatMap((line) => (line.includes('main.js drill') ? [Number.parseInt(line, 10)] : []));
}

interface Inspected {
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string; readonly RW: boolean }[];
  readonly HostConfig: { readonly NetworkMode: string };
}

test('a snapshot is restored into throw-away containers; the stack does not notice, and nothing is left', async () => {
  const before = await state();
  const run = stack.json<DrillReport[]>(['drill']);
  const seen = [await twinOf('maria'), await twinOf('postgres'), await twinOf('redis')];
  const [report] = await run;
  expect(report).toMatchObject({ set: 'default', snapshot: good.id });
  expect(report?.artifacts.map(({ artifact, how, error, tables, rows }) => [artifact, how, error, tables, rows])).toEqual([
    ['maria/@accounts', 'restored', undefined, undefined, undefined],
    ['maria/shop', 'restored', undefined, 1, 1],
    ['postgres/@roles', 'restored', undefined, undefined, undefined],
    ['postgres/postgres', 'restored', undefined, 0, 0],
    ['postgres/shop', 'restored', undefined, 1, 100],
    ['redis/redis', 'restored', undefined, 1, 1],
    ['app/files/data', 'unpacked', undefined, undefined, undefined],
    ['app/sqlite/data/app.db', 'restored', undefined, 1, 1],
    ['app/list', 'read', undefined, undefined, undefined],
  ]);
  expect(report?.artifacts.find(({ artifact }) => artifact === 'app/files/data')?.entries).toBe(3);

  expect(await state()).toEqual(before);
  expect(await stack.leftovers()).toEqual([]);
  const volumes = new Set((await docker('volume', 'ls', '-q')).split('\n'));
  for (const text of seen) {
    for (const secret of [planted.maria, planted.postgres, redisPassword]) expect(text).not.toContain(secret);
    const [{ Mounts, HostConfig }] = JSON.parse(text) as [Inspected];
    expect(HostConfig.NetworkMode).toBe('none');
    for (const { Type, Name = '', Destination, RW } of Mounts) {
      expect([Destination, RW]).toEqual([Destination, Type === 'volume']);
      expect(Name).toMatch(/^([0-9a-f]{64})?$/);
      expect([...volumes]).not.toContain(Name);
    }
  }
  const { lastDrills } = await stack.json<{ lastDrills: Record<string, unknown> }>(['health']);
  expect(lastDrills).toMatchObject({ default: { endedAt: expect.any(String) } });
});

test('what is damaged is named, everything else is tried all the same, and health says it', async () => {
  const folder = await folderOf(`${stack.project}_backups`);
  const { key, harmed } = await shared(createFilesystemStorage(folder), good, 'postgres/shop');
  await stack.sh('davit', `cp -a /backups/${key} /tmp/whole && truncate -s -40 /backups/${key}`);
  const [report] = await stack.json<DrillReport[]>(['drill'], 1);
  const failed = report?.artifacts.filter(({ error }) => error !== undefined);
  expect(harmed).not.toContain('app/files/data');
  expect(failed?.map(({ artifact }) => artifact).toSorted()).toEqual(harmed.toSorted());
  for (const { error } of failed ?? []) expect(error).toMatch(/ — do not rely on this artifact/);
  expect(report?.artifacts).toHaveLength(9);
  expect(await stack.leftovers()).toEqual([]);
  expect(await stack.davit('health')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('postgres/shop') });
  await stack.sh('davit', `cp -a /tmp/whole /backups/${key}`);
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a drill that ends by %s leaves nothing behind, at the latest after the next start',
  async (signal) => {
    const before = await state();
    const run = stack.davit('drill', good.id);
    await twinOf('maria');
    for (const pid of await processesOfDrill()) process.kill(pid, signal);
    expect((await run).exitCode).not.toBe(0);
    if (signal === 'SIGKILL') {
      const left = await docker('inspect', ...(await stack.leftovers()));
      const names = (JSON.parse(left) as Inspected[]).flatMap(({ Mounts }) =>
        Mounts.flatMap(({ Name }) => (Name === undefined ? [] : [Name])),
      );
      expect(names.length).toBeGreaterThan(0);
      await stack.compose('restart', 'davit');
      await until('the next start has removed it', async () => (await stack.leftovers()).length === 0, 30_000);
      const volumes = (await docker('volume', 'ls', '-q')).split('\n');
      expect(names.filter((name) => volumes.includes(name))).toEqual([]);
    } else {
      expect(await stack.leftovers()).toEqual([]);
      expect(await state()).toEqual(before);
    }
  },
);

test('without a good snapshot a drill is no success, and a set that is not there is wrong usage', async () => {
  expect(await stack.davit('drill', '--set', 'none')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('does not exist') });
  expect(await stack.davit('drill', '20000101T000000Z-000000')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('has no snapshot'),
  });
});

test('a key that was not given is wrong usage, and says nothing about the snapshot', async () => {
  await using encrypted = await createStack({
    services: { app: app('files') },
    volumes: ['files'],
    environment: { DAVIT_ENCRYPT_TO: createAgeKeys().recipients.join() },
    format: 'portable',
  });
  await encrypted.up();
  await encrypted.sh('app', 'echo word > /data/a');
  await encrypted.backup();
  expect(await encrypted.davit('drill')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('DAVIT_IDENTITY') });
  expect((await encrypted.davit('health')).exitCode).toBe(0);
});
