import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { createFilesystemStorage } from '../../src/storage/filesystem.ts';
import { docker, until } from '../support/docker.ts';
import { app, postgres, sqlIn } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';
import { layout } from './failures/layout.ts';
import { folderOf } from './failures/look.ts';

let stack: TestStack;
let good: Manifest;

beforeAll(async () => {
  stack = await createStack({ services: { app: app('files'), postgres: postgres('postgres') }, volumes: ['files', 'postgres'] });
  await stack.up();
  good = await (await seeded()).backup();
});
afterAll(() => stack[Symbol.asyncDispose]());
beforeEach(() => stack.up());

async function seeded(): Promise<TestStack> {
  await stack.sh('app', 'head -c 300000000 /dev/urandom > /data/random');
  await stack.sh('postgres', sqlIn.postgres(`CREATE TABLE t AS SELECT i, md5(i::text) AS h FROM generate_series(1, 1500000) AS i`));
  return stack;
}

/** Half-made objects, and what no snapshot names. */
async function strays(): Promise<string[]> {
  const storage = createFilesystemStorage(await folderOf(`${stack.project}_backups`));
  return layout.discrepancies(storage, await layout.manifests(storage));
}

/** As this machine numbers them. */
async function processesOfBackup(): Promise<number[]> {
  const { stdout } = await execa('docker', ['top', await stack.container('davit'), '-eo', 'pid,args']);
  return stdout.split('\n').flatMap((line) => (line.includes('main.js backup') ? [Number.parseInt(line, 10)] : []));
}

const isArchiving = async (): Promise<boolean> => (await stack.leftovers()).length > 0;

/** Every moment is in failures/kills.test.ts; here a directory is the storage. */
test.each([
  ['SIGTERM', 'the dump', async () => (await stack.sh('postgres', 'pgrep -x pg_dump || true')) !== ''],
  ['SIGKILL', 'the archive', isArchiving],
] as const)('%s of a backup during %s leaves nothing that counts, and the next run is good', async (signal, _, reached) => {
  const run = stack.davit('backup');
  await until('the phase is reached', reached, 60_000);
  const start = performance.now();
  for (const pid of await processesOfBackup()) process.kill(pid, signal);
  expect((await run).exitCode).not.toBe(0);
  expect(performance.now() - start).toBeLessThan(10_000);
  expect((await stack.json<Manifest>(['show', 'latest'])).id).toBe(good.id);
  await until('workers are gone', async () => (await stack.leftovers()).length === 0, 30_000);
  await until('the dump has ended', async () => (await stack.sh('postgres', 'pgrep -x pg_dump || true')) === '', 30_000);
  if (signal === 'SIGTERM') expect(await strays()).toEqual([]);

  good = await stack.backup();
  expect(good.status).toBe('complete');
  expect(await strays()).toEqual([]);
});

test('two at once: the second is told to wait, the first is good', async () => {
  const first = stack.davit('backup');
  await until('the first is under way', isArchiving, 60_000);
  const workers = await stack.leftovers();
  await docker('pause', ...workers);
  expect(await stack.davit('backup')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('another backup, restore or drill is under way'),
  });
  await docker('unpause', ...workers);
  expect((await first).exitCode).toBe(0);
});
