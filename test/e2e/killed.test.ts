import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { createFilesystemStorage } from '../../src/storage/filesystem.ts';
import { docker, until } from '../support/docker.ts';
import { healthy } from '../support/healthchecks.ts';
import { app, maria } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';
import { holdWorker, lockTable, mariaTables, processOf, sql } from './failures/faults.ts';
import { layout } from './failures/layout.ts';
import { folderOf } from './failures/look.ts';

/** Every moment is in failures/kills.test.ts; here a directory is the storage. */

const services = {
  app: app('files', {
    healthcheck: healthy('test', '!', '-e', '/tmp/ill'),
    labels: [
      'davit.hook.after=test ! -e /tmp/down',
      'davit.hook.before-restore=test ! -e /tmp/refuses',
      'davit.hook.after-restore=echo begun >> /tmp/hooks; while [ -e /tmp/held ]; do sleep 0.1; done',
    ],
  }),
  web: { image: 'davit-test/app', depends_on: { app: { condition: 'service_healthy' } } },
  maria: maria('maria'),
};

let stack: TestStack;
let good: Manifest;

beforeAll(async () => {
  stack = await createStack({ services, volumes: ['files', 'maria'] });
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

describe('a restore that has put everything in', () => {
  const begun = async (): Promise<number> => (await stack.sh('app', 'touch /tmp/hooks; cat /tmp/hooks')).split('begun').length - 1;
  const restoring = () => stack.davit('restore', good.id, '--yes', '--no-safety', '--service', 'app');
  const ended = () => until('the daemon has ended it', async () => (await stack.leftovers()).length === 0, 60_000);

  test('and is killed during an after-restore hook: the daemon runs the hooks, and calls nothing a mixture', async () => {
    await stack.sh('app', 'touch /tmp/held; rm -f /tmp/hooks');
    const run = restoring();
    await until('the hook runs', async () => (await begun().catch(() => 0)) === 1, 60_000);
    process.kill(await processOf(stack, 'restore'), 'SIGKILL');
    await stack.sh('app', 'rm /tmp/held');
    expect((await run).exitCode).toBe(137);
    await ended();
    expect(await begun()).toBe(2);
    expect((await stack.compose('logs', 'davit')).stdout).not.toContain('mixture');
  });

  test('and is told to stop while it waits for a service: the others come back at once, the daemon does the rest', async () => {
    await stack.sh('app', 'touch /tmp/ill; rm -f /tmp/hooks');
    const run = restoring();
    const state = async (service: string) => docker('inspect', '-f', '{{.State.Status}} {{.State.Health}}', await stack.container(service));
    const isWaiting = async () => (await state('web')).startsWith('exited') && (await state('app')).includes('starting');
    await until('it waits for the app', isWaiting, 60_000);
    process.kill(await processOf(stack, 'restore'), 'SIGTERM');
    expect(await run).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/was told to stop by SIGTERM — .*follow.*; all data are restored$/m),
    });
    expect(await state('web')).toMatch(/^running/);
    expect(await begun()).toBe(0);
    await stack.sh('app', 'rm /tmp/ill');
    await ended();
    expect(await begun()).toBe(1);
  });
});

test('a before-restore hook that fails: nothing was replaced, and nothing is said to be half restored', async () => {
  await stack.sh('app', 'touch /tmp/refuses');
  const outcome = await stack.davit('restore', good.id, '--yes', '--no-safety', '--service', 'app');
  expect(outcome).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/before-restore ended with exit code 1 .*nothing was replaced$/m),
  });
  await stack.sh('app', 'rm /tmp/refuses');
  expect((await stack.backup()).status).toBe('complete');
});

test('an after hook that fails for a while, as when a machine comes up: the daemon tries it until it succeeds', async () => {
  const failed = async () => (await stack.compose('logs', 'davit')).stdout.split('after ended with exit code 1').length - 1;
  await stack.sh('app', 'touch /tmp/down');
  expect((await stack.backup(3)).status).toBe('incomplete');
  const before = await failed();
  await until('the daemon has tried it as well', async () => (await failed()) > before, 60_000);
  await stack.sh('app', 'rm /tmp/down');
  await until('nothing is left', async () => (await stack.leftovers()).length === 0, 60_000);
  expect((await stack.backup()).status).toBe('complete');
});

test('a restore that waits for its answer ends when Davit is told to stop', async () => {
  const line = `docker compose -p ${stack.project} -f ${stack.file} exec davit davit restore latest`;
  const terminal = execa('script', ['-qefc', line, '/dev/null'], { stdin: 'pipe', reject: false, timeout: 60_000 });
  let said = '';
  terminal.stdout.on('data', (text: Buffer) => (said += text.toString()));
  await until('it asks', () => said.includes('[y/N]'), 60_000);
  const start = performance.now();
  process.kill(await processOf(stack, 'restore'), 'SIGTERM');
  expect(await terminal).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('was told to stop by SIGTERM') });
  expect(performance.now() - start).toBeLessThan(10_000);
});
