import { expect } from 'vitest';
import type { Manifest } from '../../../src/model/snapshot.ts';
import { captured, createApp, deeds, openApp, serves } from '../../support/app-stack.ts';
import { quick } from '../../support/healthchecks.ts';
import type { TestStack } from '../../support/stack.ts';
import { lockTable, sql } from '../failures/faults.ts';
import { labTest } from '../failures/lab-test.ts';
import { breaks } from './mutations.ts';

/** compose-examples/seatable, with users that work on a base all the time. */
const services = (folder: string) => ({
  'seatable-server': { healthcheck: quick, volumes: [`${folder}/seatable-server:/shared`] },
  mariadb: { healthcheck: quick, volumes: [`${folder}/mariadb:/var/lib/mysql`] },
  redis: { healthcheck: quick },
});
let environment: Readonly<Record<string, string>> = {};

const test = labTest(() => ({
  s3: 'davit-test/s3-fast',
  open: (place) => openApp('seatable', { services, environment: (environment = place) }),
  seed: (stack) => serves(stack, 'seatable-server', 100),
}));

const databasesOf = ({ artifacts }: Manifest) => artifacts.filter(({ kind }) => kind === 'database').map(({ name }) => name);
const millis = (time: string | undefined): number => Date.parse(time ?? '');

/** Settings, avatars, the license: what the app does not change. */
async function lasting(stack: TestStack): Promise<string> {
  return stack.sh('seatable-server', 'cd /shared/seatable && md5sum conf/* seahub-data/* seatable-license.txt');
}

test('a backup holds three dumps, then the export, then the files, and users notice nothing', async ({ lab: { stack, succeeds } }) => {
  const manifest = await succeeds();
  expect(manifest.artifacts.map(({ service, name }) => `${service}/${name}`)).toEqual([
    'davit/files/stack',
    'mariadb/@accounts',
    'mariadb/ccnet_db',
    'mariadb/dtable_db',
    'mariadb/seafile_db',
    'seatable-server/files/shared',
    'seatable-server/files/shared/seatable/seatable-license.txt',
  ]);
  expect(databasesOf(manifest)).toHaveLength(3);
  for (const name of databasesOf(manifest))
    expect((await stack.davit('cat', manifest.id, `mariadb/${name}`)).stdout.trimEnd().split('\n').at(-1)).toMatch(/^-- Dump completed/);

  const done = await deeds(stack, 'seatable-server');
  const dumped = Math.max(...manifest.artifacts.filter(({ kind }) => kind === 'database').map(({ endedAt }) => millis(endedAt)));
  const archived = millis(manifest.artifacts.find(({ name }) => name === 'files/shared')?.startedAt);
  const [began, ended] = done.filter(({ did }) => did.startsWith('backup-all')).slice(-2);
  expect([began?.did, ended?.did]).toEqual(['backup-all begins', 'backup-all']);
  expect([dumped, began?.at, ended?.at, archived]).toEqual(
    [dumped, began?.at, ended?.at, archived].toSorted((a, b) => Number(a) - Number(b)),
  );

  expect(manifest.downtimeMs).toEqual({});
  const { from, to } = captured(manifest);
  expect(done.filter(({ did, at }) => did === 'write' && at >= from && at <= to).length).toBeGreaterThan(5);
  expect(done.filter(({ did }) => did === 'stop')).toEqual([]);

  await stack.restore(manifest.id, '--to', '/tmp/out');
  const kept = await stack.sh(
    'davit',
    'cd /tmp/out/seatable-server/files/shared/seatable && find . -mindepth 2 -maxdepth 2 | cut -d/ -f2 | sort -u',
  );
  expect(kept.split('\n')).toEqual(['conf', 'seafile-data', 'seahub-data', 'storage-data']);
  expect(await stack.sh('davit', 'ls -A /tmp/out/davit/files/stack')).toMatch(/\.env[^]*seatable-license\.txt/);
  await stack.sh('davit', 'rm -r /tmp/out');
});

test('a fourth database is taken along without a label', async ({ lab: { stack, succeeds } }) => {
  await sql(stack, 'CREATE DATABASE scheduler; CREATE TABLE scheduler.tasks AS SELECT 1 AS id', 'mariadb', '');
  expect(databasesOf(await succeeds())).toEqual(['ccnet_db', 'dtable_db', 'scheduler', 'seafile_db']);
  await sql(stack, 'DROP DATABASE scheduler', 'mariadb', '');
});

breaks(test, {
  service: 'seatable-server',
  database: { service: 'mariadb', name: 'dtable_db', hold: (lab) => lockTable(lab, 'dtable_share', 'mariadb', 'dtable_db') },
  hook: {
    breaks: 'touch /tmp/fail',
    mends: 'rm /tmp/fail',
    says: ['service "seatable-server"', 'davit.hook.after-dump ended with exit code 1', 'dtable-db does not answer'],
  },
});

test('a restore into an empty stack, and over a fresh installation with another password, gives the bases back', async ({ lab }) => {
  const { project } = lab.stack;
  const known = await lasting(lab.stack);
  await lab.stack.compose('down', '--volumes', '--timeout', '3');

  {
    await using stack = await createApp('seatable', { services, environment });
    await stack.restore('latest', '--from-stack', project);
    await isTheSame(stack);
    expect((await deeds(stack, 'seatable-server')).filter(({ did }) => did === 'install')).toEqual([]);
  }

  const variables = { SEATABLE_MYSQL_ROOT_PASSWORD: 'another-password' };
  await using stack = await openApp('seatable', { services, environment, variables });
  await stack.up();
  await serves(stack, 'seatable-server');
  expect(await lasting(stack)).not.toBe(known);
  await stack.restore('latest', '--from-stack', project);
  await isTheSame(stack);

  async function isTheSame(stack: TestStack): Promise<void> {
    await serves(stack, 'seatable-server');
    const [check] = (await deeds(stack, 'seatable-server')).filter(({ did }) => did === 'check').slice(-1);
    const many = expect.toSatisfy((count: number) => count > 20);
    expect(check).toMatchObject({ wrong: [], rows: many, objects: many });
    expect(await lasting(stack)).toBe(known);
    expect(await sql(stack, 'SELECT name FROM EmailUser', 'mariadb', 'ccnet_db')).toBe('Ådmin 🚤');
    expect(await archivedRows(stack)).toBe('the same');
    expect((await stack.backup()).status).toBe('complete');
    await serves(stack, 'seatable-server');
  }
});

/** What dtable-db has since restore-all begins with all that was exported; before it had only what was written since the start. */
async function archivedRows(stack: TestStack): Promise<string> {
  const [exported, now] = ['storage-data/dtable-db', 'db-data'].map((folder) => `/shared/seatable/${folder}/6c3a-base.rows`);
  return stack.sh('seatable-server', `head -c "$(stat -c %s ${exported})" ${now} | cmp - ${exported} && echo the same`);
}
