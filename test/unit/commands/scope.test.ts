import { expect, test } from 'vitest';
import { follow } from '../../../src/commands/health.ts';

test('what was known of a set goes when a run of all sets does not know it any more', () => {
  const before = { default: 1, images: 2, weekly: 3 };
  expect(follow(before, { default: 4 }, () => false)).toEqual({ default: 4, images: 2, weekly: 3 });
  expect(follow(before, { default: 4 }, (set) => set !== 'weekly')).toEqual({ default: 4, weekly: 3 });
  expect(follow(before, undefined, () => true)).toEqual(before);
});
