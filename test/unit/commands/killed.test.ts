import { expect, test } from 'vitest';
import { pauseAfter } from '../../../src/commands/killed.ts';

test('what cannot be undone is tried again at once, then after pauses that double, and once an hour at last', () => {
  const seconds = [1, 2, 3, 8, 9, 10, 2000].map((tries) => pauseAfter(tries) / 1000);
  expect(seconds).toEqual([15, 30, 60, 1920, 3600, 3600, 3600]);
});
