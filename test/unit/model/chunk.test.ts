import { expect, test } from 'vitest';
import { giveBack, lend, lendWhole } from '../../../src/model/chunk.ts';

test('what was lent is gone at once when it is given back', () => {
  const chunk = lend(Buffer.alloc(65_536, 1).subarray(0, 60_000));
  const memory = chunk.buffer;
  giveBack(chunk);
  expect([chunk.length, memory.byteLength]).toEqual([0, 0]);
  giveBack(chunk);
});

test('what nobody lent stays as it is', () => {
  const chunk = Buffer.alloc(65_536, 1);
  giveBack(chunk);
  giveBack(lend(Buffer.alloc(65_536)).subarray(1));
  expect(chunk).toEqual(Buffer.alloc(65_536, 1));
});

test('a read that shares its memory with another is not lent', () => {
  const both = Buffer.alloc(8, 7);
  giveBack(lendWhole(both.subarray(0, 4)));
  expect(both).toEqual(Buffer.alloc(8, 7));
  giveBack(lendWhole(both));
  expect(both).toHaveLength(0);
});
