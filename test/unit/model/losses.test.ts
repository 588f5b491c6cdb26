import { expect, test } from 'vitest';
import { losses } from '../../../src/model/losses.ts';
import type { Artifact } from '../../../src/model/snapshot.ts';
import { artifact, manifest } from '../../support/builders.ts';

const mebibyte = 1024 ** 2;
const of = (bytes: number, rows?: number, overrides: Partial<Artifact> = {}): Artifact =>
  artifact({
    service: 'db',
    name: 'shop',
    plain: { bytes, sha256: '0'.repeat(64) },
    ...(rows === undefined ? {} : { tables: [{ name: 'orders', rows }] }),
    ...overrides,
  });
const since = (before: Artifact, now: readonly Artifact[], failures: { service: string; error: string }[] = []): string[] =>
  losses(manifest({ id: 'before', artifacts: [before] }), now, failures);

test.each([
  ['bytes', of(8 * mebibyte), of(3 * mebibyte), 'db/shop: shrank since before: 3.0 instead of 8.0 MiB'],
  ['rows', of(mebibyte, 1000), of(mebibyte, 400), 'db/shop: shrank since before: 400 instead of 1000 rows'],
  ['everything', of(2 * mebibyte, 1000), of(900, 0), 'db/shop: shrank since before: 0.0 instead of 2.0 MiB, 0 instead of 1000 rows'],
])('less than half of the %s is said', (_, before, now, warning) => {
  expect(since(before, [now])).toEqual([warning]);
});

test.each([
  ['half is left', of(8 * mebibyte, 1000), of(4 * mebibyte, 500)],
  ['little was there', of(mebibyte / 2, 90), of(100, 0)],
  ['it grew', of(mebibyte, 1000), of(9 * mebibyte, 9000)],
])('nothing is said when %s', (_, before, now) => {
  expect(since(before, [now])).toEqual([]);
});

test('what is gone is said, unless its failure is', () => {
  expect(since(of(1), [])).toEqual(['db/shop: was in before and is in this snapshot no more']);
  expect(since(of(1), [], [{ service: 'db', error: 'refused' }])).toEqual([]);
  expect(since(of(1), [], [{ service: 'app', error: 'refused' }])).toHaveLength(1);
});

test('a first snapshot has lost nothing', () => {
  expect(losses(undefined, [], [])).toEqual([]);
});
