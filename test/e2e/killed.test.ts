import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { createFilesystemStorage } from '../../src/storage/filesystem.ts';
import { until } from '../support/docker.ts';
import { app, maria } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';
import { holdWorker, lockTable, mariaTables, processOf, sql } from './failures/faults.ts';
import { layout } from './failures/layout.ts';
import { folderOf } from './failures/look.ts';

/** Every moment is in failures/kills.test.ts; here a directory is the storage. */

let stack: TestStack;
let good: Manifest;

beforeAll(async () => {
  stack = await createStack({ services: { app: app('files'), maria: maria('maria') }, volumes: ['files', 'maria'] });
  await stack.up();
  await sql(stack, mariaTables);
  await grow();
  good = await stack.backup();
});
afterAll(() => stack[Symbol.asyncDispose]());
beforeEach(() => stack.up());

/** What was stored before is not read again in every format. */
const grow = () => stack.sh('app', 'head -c 100000000 /dev/urandom > /data/random');

const holdDump = () => lockTable({ stack }, 'gate_1');

async function holdArchive(): Promise<ReturnType<typeof holdWorker>> {
  await grow();
  return holdWorker({ stack }, 'runs');
}

/** Half-made objects, and what no snapshot names. */
async function strays(): Promise<string[]> {
  const storage = createFilesystemStorage(await folderOf(`${stack.project}_backups`));
  return layout.discrepancies(storage, await layout.manifests(storage));
}

test.each([
  ['SIGTERM', 'the dump', holdDump],
  ['SIGKILL', 'the archive', holdArchive],
] as const)('%s of a backup during %s leaves nothing that counts, and the next run is good', async (signal, _, hold) => {
  {
    await using held = await hold();
    const run = stack.davit('backup');
    await held.reached();
    const start = performance.now();
    process.kill(await processOf(stack, 'backup'), signal);
    expect((await run).exitCode).not.toBe(0);
    expect(performance.now() - start).toBeLessThan(10_000);
  }
  expect((await stack.json<Manifest>(['show', 'latest'])).id).toBe(good.id);
  await until('workers are gone', async () => (await stack.leftovers()).length === 0, 30_000);
  if (signal === 'SIGTERM') expect(await strays()).toEqual([]);

  good = await stack.backup();
  expect(good.status).toBe('complete');
  expect(await strays()).toEqual([]);
});

test('two at once: the second is told to wait, the first is good', async () => {
  await using held = await holdDump();
  const first = stack.davit('backup');
  await held.reached();
  expect(await stack.davit('backup')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('another backup, restore or drill is under way'),
  });
  await held.open();
  expect((await first).exitCode).toBe(0);
});
