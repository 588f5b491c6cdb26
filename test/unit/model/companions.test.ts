import { describe, expect, test } from 'vitest';
import { companionOf, retainTogether } from '../../../src/model/companions.ts';
import { type KeepPolicy, retain, type SetHistory } from '../../../src/model/retention.ts';
import type { Manifest } from '../../../src/model/snapshot.ts';
import { artifact, filesArtifact, manifest } from '../../support/builders.ts';

const at = (day: number, hour = 3): string => `2026-11-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00.000Z`;

/** Databases take an hour to dump, and the set another one. */
function shop(day: number, overrides: Partial<Manifest> = {}): Manifest {
  const artifacts = [artifact({ startedAt: at(day), endedAt: at(day, 4) }), filesArtifact('app', '/data', { endedAt: at(day, 5) })];
  return manifest({ id: `shop-${day}`, set: 'shop', sequence: day, startedAt: at(day), endedAt: at(day, 5), artifacts, ...overrides });
}

function images(day: number, overrides: Partial<Manifest> = {}): Manifest {
  return manifest({ id: `images-${day}`, set: 'images', sequence: day, startedAt: at(day), endedAt: at(day, 6), ...overrides });
}

describe('the snapshot of another set that belongs to one', () => {
  const companion = (of: Manifest, ...others: readonly Manifest[]) => companionOf(of, others)?.id;

  test('is the first that began when the dumps were done', () => {
    expect(companion(shop(10), images(8), images(15), images(22))).toBe('images-15');
    expect(companion(shop(10), images(22), images(15), images(8))).toBe('images-15');
  });

  test('not one that began while they ran, but one that began at their very end, before the files were done', () => {
    expect(companion(shop(10), images(10), images(15))).toBe('images-15');
    expect(companion(shop(10), images(10, { startedAt: at(10, 4) }), images(15))).toBe('images-10');
  });

  test('for a set without dumps, one that began when it was done', () => {
    const files = shop(10, { artifacts: [filesArtifact('app', '/data', { endedAt: at(10, 4) })] });
    expect(companion(files, images(10, { startedAt: at(10, 4) }), images(15))).toBe('images-15');
  });

  test('until there is one, the newest before', () => {
    expect(companion(shop(30), images(8), images(15))).toBe('images-15');
    expect(companion(shop(30))).toBeUndefined();
  });

  test('is complete and no safety snapshot', () => {
    const others = [images(11, { status: 'incomplete' }), images(12, { reason: 'safety' }), images(15)];
    expect(companion(shop(10), ...others)).toBe('images-15');
  });
});

describe('retention of sets that need each other', () => {
  function kept(sets: Readonly<Record<string, SetHistory>>): Record<string, readonly string[]> {
    const verdicts = retainTogether(new Map(Object.entries(sets)));
    return Object.fromEntries(verdicts.filter(({ reasons }) => reasons.length > 0).map(({ manifest: { id }, reasons }) => [id, reasons]));
  }
  const history = (manifests: readonly Manifest[], keep: KeepPolicy, ...neededBy: readonly string[]): SetHistory => ({
    manifests,
    keep,
    neededBy,
  });
  const weekly = [1, 8, 15, 22].map((day) => images(day));

  test('what a snapshot that stays needs, stays, and says for which ones', () => {
    const databases = [9, 10, 16, 21].map((day) => shop(day));
    expect(kept({ images: history(weekly, { last: 1 }, 'shop'), shop: history(databases, { last: 3 }) })).toEqual({
      'images-22': ['last', 'the last good snapshot', 'needed by set shop: shop-21 shop-16'],
      'images-15': ['needed by set shop: shop-10'],
      'shop-21': expect.anything(),
      'shop-16': expect.anything(),
      'shop-10': expect.anything(),
    });
  });

  test('what nobody needs any more goes by its own rules', () => {
    expect(Object.keys(kept({ images: history(weekly, { last: 1 }, 'shop'), shop: history([shop(21)], { last: 1 }) }))).toEqual([
      'images-22',
      'shop-21',
    ]);
  });

  test('an incomplete or safety snapshot that stays can be restored too, so what it needs stays', () => {
    const databases = [shop(10, { status: 'incomplete' }), shop(17, { reason: 'safety' }), shop(30)];
    expect(kept({ images: history(weekly, { last: 1 }, 'shop'), shop: history(databases, { last: 1 }) })).toMatchObject({
      'images-15': ['needed by set shop: shop-10'],
      'images-22': expect.arrayContaining(['needed by set shop: shop-30 shop-17']),
    });
  });

  test('a chain: what stays only because it is needed, needs something itself', () => {
    const previews = [2, 9, 16, 23].map((day) =>
      manifest({ id: `previews-${day}`, set: 'previews', sequence: day, startedAt: at(day), endedAt: at(day) }),
    );
    const chain = kept({
      previews: history(previews, {}, 'images'),
      images: history(
        weekly.map((one) => ({ ...one, artifacts: [filesArtifact('app', '/images', { endedAt: one.endedAt })] })),
        {},
        'shop',
      ),
      shop: history([shop(10)], {}),
    });
    expect(Object.keys(chain).toSorted()).toEqual(['images-15', 'images-22', 'previews-16', 'previews-23', 'shop-10']);
  });

  test('a set that needs nothing is kept as without the others; a circle comes to an end', () => {
    const databases = [9, 10, 16].map((day) => shop(day));
    const alone = retain(databases, { last: 2 });
    const together = retainTogether(
      new Map([
        ['images', history(weekly, {}, 'shop')],
        ['shop', history(databases, { last: 2 })],
      ]),
    );
    expect(together.filter(({ manifest: { set } }) => set === 'shop')).toEqual(alone);
    expect(Object.keys(kept({ images: history(weekly, {}, 'shop', 'images'), shop: history(databases, {}, 'images') }))).toContain(
      'images-22',
    );
  });
});
