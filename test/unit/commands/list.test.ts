import { expect, test } from 'vitest';
import { list } from '../../../src/commands/snapshots.ts';
import { newestFirst } from '../../../src/model/snapshot.ts';
import { manifest } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

const at = (day: number, set: string, sequence: number) =>
  manifest({ id: `${set}-${day}`, set, sequence, startedAt: `2026-11-${day}T03:00:00.000Z` });

async function listed(...manifests: ReturnType<typeof manifest>[]): Promise<string[]> {
  const context = fakeContext({ containers: [] });
  const repository = {
    list: async () => ({ manifests: manifests.toSorted(newestFirst), damaged: [] }),
  } as unknown as typeof context.repository;
  return (await list({ ...context, repository }, {})).manifests.map(({ id }) => id);
}

test('several sets are listed by time, since their sequences know nothing of each other', async () => {
  expect(await listed(at(19, 'shop', 7), at(20, 'images', 1), at(21, 'shop', 8))).toEqual(['shop-21', 'images-20', 'shop-19']);
});

test('one set is listed by sequence, whatever the clock said', async () => {
  expect(await listed(at(25, 'shop', 7), at(21, 'shop', 8))).toEqual(['shop-21', 'shop-25']);
});
