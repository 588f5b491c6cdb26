import { describe, expect } from 'vitest';
import { docker, until } from '../../support/docker.ts';
import type { Seen } from '../../support/faulty-s3.ts';
import type { TestStack } from '../../support/stack.ts';
import { harmWorkers, lockTable, mariaTables, processOf, sql, starve } from './faults.ts';
import { labTest } from './lab-test.ts';
import type { Lab } from './lab.ts';
import { isLarge, layout } from './layout.ts';
import { parts } from './parts.ts';

/** Davit is killed or stopped while it waits: for a locked table, or for a storage that does not answer. */
const test = labTest(() => ({
  s3: 'davit-test/s3-fast',
  services: { app: parts.app, maria: parts.maria },
  volumes: ['files', 'maria'],
  async seed(stack) {
    await sql(stack, mariaTables);
    await grow(stack);
  },
}));

/** What was stored before is not sent again in every format. */
const grow = (stack: TestStack) => stack.sh('app', 'head -c 60000000 /dev/urandom > /data/random');

interface Moment extends AsyncDisposable {
  reached(): Promise<void>;
}

async function stalled({ s3 }: Lab, matches: (request: Seen) => boolean): Promise<Moment> {
  const struck = s3.inject({ stall: true }, matches, Infinity);
  return {
    reached: () => until('a request is stalled', () => struck() > 0, 60_000),
    [Symbol.asyncDispose]: async () => s3.heal(),
  };
}

const moments: readonly (readonly [name: string, prepare: (lab: Lab) => Promise<Moment>])[] = [
  ['the dump', (lab) => lockTable(lab, 'gate_1')],
  [
    'the archive and its upload',
    async (lab) => {
      await grow(lab.stack);
      return stalled(lab, isLarge);
    },
  ],
  ['the commit', (lab) => stalled(lab, layout.isCommit)],
];

async function signal(stack: TestStack, name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  process.kill(await processOf(stack, 'backup'), name);
}

async function saysItWasKilled({ stack }: Lab): Promise<void> {
  const killed = /the backup that began at \S+ was killed/;
  await until('health tells it', async () => killed.test((await stack.davit('health')).stderr), 60_000);
  expect((await stack.compose('logs', 'davit')).stdout).toMatch(killed);
}

describe.each(moments)('during %s', (name, prepare) => {
  test('`davit backup` is killed', async ({ lab }) => {
    {
      await using moment = await prepare(lab);
      const run = lab.backup();
      await moment.reached();
      await signal(lab.stack, 'SIGKILL');
      expect((await run).exitCode).toBe(137);
      await until('health knows', async () => (await lab.stack.davit('health')).stderr.includes('was killed'), 60_000);
    }
    // The daemon looks after that, before anybody says or starts anything.
    await lab.runs('davit');
    await saysItWasKilled(lab);
    await until('nothing is left', async () => (await lab.stack.leftovers()).length === 0, 60_000);
    await lab.killed();
    expect((await lab.stack.davit('health')).exitCode).toBe(0);
  });

  test('`davit backup` is told to stop: it undoes everything within 10 s', async ({ lab }) => {
    {
      await using moment = await prepare(lab);
      const run = lab.backup();
      await moment.reached();
      const start = performance.now();
      await signal(lab.stack, 'SIGTERM');
      const { exitCode, stderr } = await run;
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(exitCode).toBe(1);
      expect(stderr).toContain('davit: davit: was told to stop by SIGTERM — nothing was kept of what was under way');
      expect(await lab.stack.leftovers()).toEqual([]);
      await lab.runs();
      // Whether the manifest arrived is unknown when nobody answers: then what it names stays until the next run.
      if (name !== 'the commit') expect(await layout.discrepancies(lab.storage, await layout.manifests(lab.storage))).toEqual([]);
    }
    await lab.killed();
  });
});

describe.each(moments.slice(0, 2))('during %s', (name, prepare) => {
  test('the container is killed: the next start undoes it, of a new container too', async ({ lab }) => {
    {
      await using moment = await prepare(lab);
      const run = lab.backup();
      await moment.reached();
      await lab.stack.compose('kill', 'davit');
      await run;
      const isNew = name !== 'the dump';
      await (isNew ? lab.stack.up('--force-recreate', 'davit') : lab.stack.compose('up', '-d', 'davit'));
      await lab.runs(isNew ? undefined : 'davit');
      // The container that is gone took the state of its daemon along.
      if (!isNew) await saysItWasKilled(lab);
      await until('nothing is left', async () => (await lab.stack.leftovers()).length === 0, 60_000);
    }
    await lab.killed();
  });

  test('the container is stopped: everything is undone before it ends', async ({ lab }) => {
    {
      await using moment = await prepare(lab);
      const run = lab.backup();
      await moment.reached();
      const start = performance.now();
      await lab.stack.compose('stop', 'davit');
      expect(performance.now() - start).toBeLessThan(10_000);
      await run;
      expect(await lab.stack.leftovers()).toEqual([]);
      expect(await lab.stack.sh('app', 'echo runs')).toBe('runs');
      await lab.stack.up('davit');
    }
    await lab.killed();
  });
});

test('the storage does not answer at all when Davit is told to stop', async ({ lab }) => {
  await grow(lab.stack);
  {
    await using moment = await stalled(lab, isLarge);
    const run = lab.backup();
    await moment.reached();
    await using everything = await stalled(lab, () => true);
    const start = performance.now();
    await signal(lab.stack, 'SIGTERM');
    await everything.reached();
    expect(await run).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('what was stored is left for the next run to remove') });
    expect(performance.now() - start).toBeLessThan(10_000);
    await lab.runs();
  }
  await lab.killed();
});

test('the worker is killed during the archive', async ({ lab }) => {
  await grow(lab.stack);
  await using moment = await stalled(lab, isLarge);
  const run = lab.backup();
  await moment.reached();
  await harmWorkers(lab, run, (id) => docker('kill', id));
  await lab.fails(await run, {
    exitCode: 3,
    says: ['app/files/data', 'worker for /data: was killed (exit code 137)', 'too little memory'],
    repair: async () => lab.s3.heal(),
    leaves: 'remains',
  });
});

test('the worker is killed for want of memory', async ({ lab }) => {
  const run = lab.backup();
  await harmWorkers(lab, run, starve);
  await lab.fails(await run, {
    exitCode: 3,
    // Docker does not always notice in time that it was memory.
    says: ['app/files/data', 'worker for /data: was killed', /for want of memory .*raise the limit|for too little memory/],
  });
});
