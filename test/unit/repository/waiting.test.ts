import { expect, test } from 'vitest';
import type { Repository } from '../../../src/repository/repository.ts';
import { tellingWaits } from '../../../src/repository/waiting.ts';

test('who waits for a storage is told so, at growing intervals, until it answers or fails', async () => {
  const answer = Promise.withResolvers<string[]>();
  const told: number[] = [];
  const tell = (waitedMs: number): void => {
    told.push(waitedMs);
    if (told.length === 3) answer.resolve(['shop']);
  };
  const asked = { stacks: () => answer.promise, list: () => Promise.reject(new Error('no')) } as unknown as Repository;
  const repository = tellingWaits(asked, tell, 4);
  await expect(repository.list('shop')).rejects.toThrow('no');
  expect(await repository.stacks()).toEqual(['shop']);
  expect(told).toEqual([4, 8, 16]);
});
