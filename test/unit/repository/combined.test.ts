import { expect, test } from 'vitest';
import { combined } from '../../../src/repository/combined.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { retain } from '../../../src/model/retention.ts';
import { manifest } from '../../support/builders.ts';

const there = (id: string) =>
  ({ list: async () => ({ manifests: [manifest({ id })], damaged: [] }), sweep: async () => 2 }) as unknown as Repository;
const gone = {
  list: () => Promise.reject(new Error('no answer')),
  sweep: () => Promise.reject(new Error('no answer')),
} as unknown as Repository;

test('a storage that does not answer keeps nobody from the others, and is never passed over in silence', async () => {
  const some = combined(
    new Map([
      ['', gone],
      ['images', there('one')],
    ]),
  );
  await expect(some.list('shop')).rejects.toThrow('no answer');
  const { manifests, unread } = await some.listReachable('shop');
  expect(manifests.map(({ id, storage }) => [id, storage])).toEqual([['one', 'images']]);
  expect(unread).toEqual([new Error('no answer')]);
  expect(await some.sweep('shop', () => true)).toBe(2);
});

test('when no storage answers, that is the error', async () => {
  const none = combined(new Map([['', gone]]));
  await expect(none.listReachable('shop')).rejects.toThrow('no answer');
  await expect(none.sweep('shop', () => true)).rejects.toThrow('no answer');
});

test('when all answer, nothing is missing', async () => {
  const all = combined(
    new Map([
      ['', there('one')],
      ['images', there('two')],
    ]),
  );
  expect((await all.listReachable('shop')).unread).toEqual([]);
  expect(await all.sweep('shop', () => true)).toBe(4);
});

test('what two names of one place list is one snapshot, which retention must not take for a second one that may go', async () => {
  const folder = there('one');
  const twice = combined(
    new Map([
      ['', folder],
      ['local', folder],
      ['images', there('two')],
    ]),
  );
  const { manifests } = await twice.list('shop');
  expect(manifests.map(({ id, storage }) => [id, storage])).toEqual([
    ['one', undefined],
    ['two', 'images'],
  ]);
  expect((await twice.listReachable('shop')).manifests).toEqual(manifests);
  expect(retain(manifests, { last: 2 }).filter(({ reasons }) => reasons.length === 0)).toEqual([]);
});

test('what was numbered apart, before and after a move, is ordered by the clock; what one storage holds, by its numbers', async () => {
  const holding = (...snapshots: (readonly [sequence: number, day: string])[]) =>
    ({
      list: async () => ({
        manifests: snapshots.map(([sequence, day]) => manifest({ id: day, sequence, startedAt: `2026-11-${day}T03:00:00.000Z` })),
        damaged: [],
      }),
    }) as unknown as Repository;
  const ordered = async (now: Repository, before: Repository): Promise<(readonly [string, number])[]> => {
    const both = combined(
      new Map([
        ['', now],
        ['before', before],
      ]),
    );
    return (await both.list('shop')).manifests.map(({ id, sequence }) => [id, sequence]);
  };
  expect(await ordered(holding([2, '12'], [1, '11']), holding([90, '10'], [89, '09']))).toEqual([
    ['12', 90],
    ['11', 89],
    ['10', 88],
    ['09', 87],
  ]);
  expect(await ordered(holding([1, '12']), holding([1, '11']))).toEqual([
    ['12', 2],
    ['11', 1],
  ]);
  expect(await ordered(holding([3, '12'], [2, '29']), holding([1, '10']))).toEqual([
    ['12', 3],
    ['29', 2],
    ['10', 1],
  ]);
});
