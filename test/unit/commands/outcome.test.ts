import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { BackupOutcome } from '../../../src/commands/backup.ts';
import { describeOutcome, exitCodeOf } from '../../../src/commands/outcome.ts';
import { health, type HealthState } from '../../../src/commands/health.ts';
import { configurationError } from '../../../src/model/errors.ts';
import { withLock } from '../../../src/steps/lock.ts';
import { noticeOf } from '../../../src/steps/notify.ts';
import { manifest } from '../../support/builders.ts';

const complete: BackupOutcome = { set: 'a', manifest: manifest() };
const incomplete: BackupOutcome = { set: 'b', manifest: manifest({ status: 'incomplete' }) };
const misconfigured: BackupOutcome = { set: 'd', error: configurationError({ where: 'set', what: 'is wrong' }) };
const unpruned: BackupOutcome = { ...complete, error: new Error('access denied') };
const failed: BackupOutcome = { set: 'c', error: new Error('no') };

test.each<[string, BackupOutcome[], number]>([
  ['all complete', [complete, complete], 0],
  ['one incomplete', [complete, incomplete], 3],
  ['only incomplete', [incomplete], 3],
  ['complete, and retention failed', [unpruned], 3],
  ['one failed, another complete', [complete, failed], 3],
  ['one failed, another incomplete', [failed, incomplete], 3],
  ['all failed', [failed, failed], 1],
  ['all misconfigured', [misconfigured], 2],
  ['one misconfigured, another failed', [misconfigured, failed], 1],
])('the exit code of a backup: %s', (_, outcomes, expected) => {
  expect(exitCodeOf(outcomes)).toBe(expected);
});

test('a snapshot that is stored is told of, also when retention failed', () => {
  const id = complete.manifest?.id ?? '';
  expect(describeOutcome(unpruned)).toMatch(new RegExp(`${id}[^]*\naccess denied$`));
  expect(noticeOf('shop', 'a', 1000, unpruned)).toMatchObject({ status: 'failed', snapshot: id, error: 'access denied' });
});

describe('health', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const asked = (state: Partial<HealthState> | string) =>
    health(now, async () => (typeof state === 'string' ? state : JSON.stringify({ startedAt: '2026-11-20T00:00:00Z', ...state })));
  const runs = (problem?: string) => ({
    shop: { endedAt: '2026-11-21T03:00:10Z' },
    other: { endedAt: '2026-11-21T03:00:20Z', ...(problem === undefined ? {} : { failed: problem }) },
  });

  test.each<[string, Partial<HealthState>]>([
    ['no run yet', { nextRunAt: '2026-11-22T03:00:00Z' }],
    ['the last run was good', { nextRunAt: '2026-11-22T03:00:00Z', lastRuns: runs() }],
    ['a run is a little late', { nextRunAt: '2026-11-21T11:00:00Z' }],
    ['no run is planned', { nextRunAt: null }],
  ])('good: %s', async (_, state) => {
    await expect(asked(state)).resolves.toMatchObject(state);
  });

  test('the last run of one set was not good', async () => {
    const state = { nextRunAt: '2026-11-22T03:00:00Z', lastRuns: runs('db is gone') };
    await expect(asked(state)).rejects.toThrow(/the last backup was not good: db is gone — mend it/);
  });

  test('a run is overdue', async () => {
    await expect(asked({ nextRunAt: '2026-11-21T10:59:59Z', lastRuns: runs() })).rejects.toThrow(
      /a backup is overdue: it should have started at 2026-11-21T10:59:59Z/,
    );
  });

  describe('of what was killed', () => {
    const stack = randomUUID();
    const underWay = { stack, since: '2026-11-21T03:00:00Z', sets: ['default'] };
    const halfRestored = { stack, error: 'a mixture', since: '2026-11-21T11:00:00.000Z' };

    test.each<[string, Partial<HealthState>, RegExp]>([
      ['a backup', { underWay, lastRuns: runs() }, /the last backup was killed: it began at 2026-11-21T03:00:00Z — run/],
      ['a restore', { halfRestored, lastRuns: runs() }, /what a restore has left is not to be relied on: a mixture/],
    ])('%s: ill, unless it is still under way', async (_, state, ill) => {
      await expect(asked(state)).rejects.toThrow(ill);
      await expect(withLock(stack, () => asked(state))).resolves.toMatchObject(state);
    });

    test('it may end between two looks', async () => {
      const states = [{ underWay }, {}].map((state) => JSON.stringify({ startedAt: '2026-11-20T00:00:00Z', ...state }));
      await expect(health(now, async () => states.shift() ?? '')).resolves.toMatchObject({ underWay });
    });
  });

  test.each<[string, Partial<HealthState>]>([
    ['a backup failed', { lastRuns: { shop: { endedAt: '2026-11-21T11:59:00.000Z', failed: 'killed' } } }],
    ['a restore left a mixture', { halfRestored: { stack: randomUUID(), error: 'killed', since: '2026-11-21T11:59:00.000Z' } }],
  ])('what was wrong before a start is told half a minute after it, and what is wrong since then at once: %s', async (_, state) => {
    await expect(asked({ ...state, startedAt: '2026-11-21T11:59:45.000Z' })).resolves.toMatchObject(state);
    await expect(asked({ ...state, startedAt: '2026-11-21T11:59:15.000Z' })).rejects.toThrow('killed');
    await expect(asked({ ...state, startedAt: '2026-11-21T11:58:45.000Z' })).rejects.toThrow('killed');
  });

  test.each(['', '{}', 'nonsense'])('a state that is none: %j', async (text) => {
    await expect(asked(text)).rejects.toThrow(/the daemon has not started yet/);
  });

  test('no state at all', async () => {
    await expect(health(now, () => Promise.reject(new Error('ENOENT')))).rejects.toThrow(/has not started yet: ENOENT/);
  });
});
