import { describe, expect, test } from 'vitest';
import { type KeepPolicy, retain } from '../../../src/model/retention.ts';
import { type Manifest, snapshotId } from '../../../src/model/snapshot.ts';
import { manifest } from '../../support/builders.ts';

/** `2026-11-21` or `2026-11-21T05`, with `!` for incomplete and `s` for safety behind it; the order of the list is the order of capture. */
function snapshots(...moments: string[]): Manifest[] {
  return moments.map((text, index) => {
    const [, day = '', hour = '03', mark] = /^([\d-]+)(?:T(\d\d))?([!s])?$/.exec(text) ?? [];
    const startedAt = `${day}T${hour}:00:00.000Z`;
    return manifest({
      id: snapshotId(new Date(startedAt), index.toString(16).padStart(6, '0')),
      sequence: index + 1,
      startedAt,
      status: mark === '!' ? 'incomplete' : 'complete',
      reason: mark === 's' ? 'safety' : 'backup',
    });
  });
}

function kept(all: readonly Manifest[], policy: KeepPolicy): string[] {
  return retain(all, policy)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ manifest: { startedAt } }) => startedAt.slice(0, 13).replace(/T03$/, ''))
    .toReversed();
}

describe('golden tables', () => {
  const twoWeeks = Array.from({ length: 14 }, (_, index) => `2026-11-${String(index + 8).padStart(2, '0')}`);

  test.each<[string, string[], KeepPolicy, string[]]>([
    ['no rule keeps only the last good one', twoWeeks, {}, ['2026-11-21']],
    ['zero is no rule', twoWeeks, { last: 0, daily: 0 }, ['2026-11-21']],
    ['last', twoWeeks, { last: 3 }, ['2026-11-19', '2026-11-20', '2026-11-21']],
    ['more than there are', ['2026-11-20', '2026-11-21'], { last: 9 }, ['2026-11-20', '2026-11-21']],
    [
      'daily keeps the newest of each day',
      ['2026-11-19T01', '2026-11-19T23', '2026-11-20T01', '2026-11-20T05', '2026-11-21T00'],
      { daily: 2 },
      ['2026-11-20T05', '2026-11-21T00'],
    ],
    [
      'days without a snapshot do not count',
      ['2026-10-01', '2026-11-01', '2026-11-21'],
      { daily: 3 },
      ['2026-10-01', '2026-11-01', '2026-11-21'],
    ],
    ['weekly: weeks begin on Monday', twoWeeks, { weekly: 3 }, ['2026-11-08', '2026-11-15', '2026-11-21']],
    [
      'ISO weeks: 2027-01-01 is in week 53 of 2026',
      ['2026-12-31', '2027-01-01', '2027-01-04'],
      { weekly: 2 },
      ['2027-01-01', '2027-01-04'],
    ],
    ['the same week number of two years', ['2025-11-20', '2026-11-19'], { weekly: 2 }, ['2025-11-20', '2026-11-19']],
    ['monthly', ['2026-08-31', '2026-09-01', '2026-09-30', '2026-10-01'], { monthly: 2 }, ['2026-09-30', '2026-10-01']],
    ['yearly', ['2024-12-31', '2025-01-01', '2025-06-01', '2026-01-01'], { yearly: 3 }, ['2024-12-31', '2025-06-01', '2026-01-01']],
    ['rules add up', twoWeeks, { last: 1, daily: 2, weekly: 2 }, ['2026-11-15', '2026-11-20', '2026-11-21']],
    [
      'an incomplete one is not counted',
      ['2026-11-18', '2026-11-19', '2026-11-20!', '2026-11-21'],
      { last: 2 },
      ['2026-11-19', '2026-11-20', '2026-11-21'],
    ],
    [
      'an incomplete one goes when three good ones are newer',
      ['2026-11-17!', '2026-11-18!', '2026-11-19', '2026-11-20', '2026-11-21'],
      { last: 2 },
      ['2026-11-20', '2026-11-21'],
    ],
    [
      'an incomplete one stays while two good ones are newer',
      ['2026-11-19!', '2026-11-20', '2026-11-21'],
      { last: 1 },
      ['2026-11-19', '2026-11-21'],
    ],
    [
      'while the newest is incomplete, everything stays',
      ['2026-11-18', '2026-11-19', '2026-11-20', '2026-11-21!'],
      {},
      ['2026-11-18', '2026-11-19', '2026-11-20', '2026-11-21'],
    ],
    [
      'a safety snapshot neither counts nor freezes',
      ['2026-11-19', '2026-11-20', '2026-11-21s'],
      { last: 1 },
      ['2026-11-20', '2026-11-21'],
    ],
    ['the newest is told by sequence, not by the clock', ['2026-11-20', '2030-01-01', '2026-11-21'], { last: 1 }, ['2026-11-21']],
    ['nothing good at all', ['2026-11-20!', '2026-11-21!'], { last: 1 }, ['2026-11-20', '2026-11-21']],
    ['nothing at all', [], { last: 1 }, []],
  ])('%s', (_, moments, policy, expected) => {
    const all = snapshots(...moments);
    expect(kept(all, policy).toSorted()).toEqual([...expected].toSorted());
    expect(kept(all.toReversed(), policy)).toEqual(kept(all, policy));
  });
});

test('every reason is told', () => {
  const [verdict] = retain(snapshots('2026-11-21'), { last: 1, daily: 1, weekly: 1, monthly: 1, yearly: 1 });
  expect(verdict?.reasons).toEqual([
    'last',
    'daily 2026-11-21',
    'weekly 2026-W47',
    'monthly 2026-11',
    'yearly 2026',
    'the last good snapshot',
  ]);
});
