import { expect, test } from 'vitest';
import { keepRules, type KeepPolicy, retain } from '../../../src/model/retention.ts';
import { isGood, type Manifest, newestFirst } from '../../../src/model/snapshot.ts';
import { manifest } from '../../support/builders.ts';
import { createRandom, type Random } from '../../support/random.ts';

/** Rules that hold for every history and every policy. */

interface Case {
  readonly seed: string;
  readonly all: readonly Manifest[];
  readonly keep: KeepPolicy;
  readonly more: KeepPolicy;
  /** Ids of what `keep` leaves. */
  readonly stays: readonly string[];
  readonly good: readonly Manifest[];
  readonly frozen: boolean;
}

const cases: readonly Case[] = Array.from({ length: 400 }, (_, seed) => {
  const random = createRandom(seed);
  const all = history(random);
  const keep = policy(random);
  const more = Object.fromEntries(keepRules.map((rule) => [rule, (keep[rule] ?? 0) + random.below(3)]));
  const newest = all.filter(({ reason }) => reason === 'backup').toSorted(newestFirst)[0];
  return {
    seed: `seed ${seed}`,
    all,
    keep,
    more,
    stays: left(all, keep),
    good: all.filter(isGood).toSorted(newestFirst),
    frozen: newest?.status === 'incomplete',
  };
});

function history(random: Random): Manifest[] {
  let moment = Date.UTC(2026, random.below(12), 1);
  return Array.from({ length: random.below(30) }, (_, index) => {
    moment += random.pick([3_600_000, 86_400_000, 86_400_000, 7 * 86_400_000, 31 * 86_400_000, -86_400_000]);
    return manifest({
      id: `snapshot ${index}`,
      sequence: index + 1,
      startedAt: new Date(moment).toISOString(),
      status: random.below(4) === 0 ? 'incomplete' : 'complete',
      reason: random.below(6) === 0 ? 'safety' : 'backup',
    });
  });
}

function policy(random: Random): KeepPolicy {
  return Object.fromEntries(keepRules.filter(() => random.below(2) === 0).map((rule) => [rule, random.below(6)]));
}

function left(all: readonly Manifest[], keep: KeepPolicy): string[] {
  return retain(all, keep)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ manifest: { id } }) => id);
}

test('every snapshot gets one verdict, newest first', () => {
  for (const { seed, all, keep } of cases)
    expect(
      retain(all, keep).map(({ manifest: { id } }) => id),
      seed,
    ).toEqual(all.toSorted(newestFirst).map(({ id }) => id));
});

test('the newest good one stays, and as many as `last` says', () => {
  for (const { seed, good, keep, stays } of cases)
    for (const { id } of good.slice(0, Math.max(keep.last ?? 0, 1))) expect(stays, seed).toContain(id);
});

test('nothing goes while the newest backup is incomplete', () => {
  expect(cases.filter(({ frozen }) => frozen).length).toBeGreaterThan(20);
  for (const { seed, all, stays, frozen } of cases) if (frozen) expect(stays, seed).toHaveLength(all.length);
});

test('otherwise no more good ones stay than the rules count', () => {
  for (const { seed, good, keep, stays, frozen } of cases) {
    const allowed = 1 + keepRules.reduce((sum, rule) => sum + (keep[rule] ?? 0), 0);
    if (!frozen) expect(good.filter(({ id }) => stays.includes(id)).length, seed).toBeLessThanOrEqual(allowed);
  }
});

test('incomplete and safety snapshots are never counted: without them the same good ones stay', () => {
  for (const { seed, good, keep, stays, frozen } of cases)
    if (!frozen) expect(left(good, keep), seed).toEqual(good.map(({ id }) => id).filter((id) => stays.includes(id)));
});

test('a policy that keeps more removes nothing that a smaller one keeps', () => {
  for (const { seed, all, more, stays } of cases) expect(left(all, more), seed).toEqual(expect.arrayContaining([...stays]));
});

test('pruning twice removes nothing more', () => {
  for (const { seed, all, keep, stays } of cases)
    expect(
      left(
        all.filter(({ id }) => stays.includes(id)),
        keep,
      ),
      seed,
    ).toEqual(stays);
});
