import { expect, test } from 'vitest';
import { choose } from '../../../src/model/share.ts';
import { sha256 } from '../../support/bytes.ts';
import { createRandom } from '../../support/random.ts';

const hashes = Array.from({ length: 100 }, (_, number) => sha256(Buffer.from(`${number}`)));

test('everything, or nothing', () => {
  expect(choose('bytes', hashes)).toEqual(hashes);
  expect(choose('sizes', hashes)).toEqual([]);
});

test('the parts are everything, each once, and always the same', () => {
  const parts = [1, 2, 3, 4, 5].map((part) => choose({ part, of: 5 }, hashes));
  expect(parts.flat().toSorted()).toEqual(hashes.toSorted());
  for (const part of parts) expect(part.length).toBeGreaterThan(5);
  expect(choose({ part: 2, of: 5 }, hashes.toReversed()).toSorted()).toEqual(parts[1]?.toSorted());
  // As restic has it: the first byte, modulo.
  expect(choose({ part: 3, of: 256 }, ['02ff', '03ff', 'ff02'])).toEqual(['02ff']);
});

test('a percentage is that many, rounded up, and another choice each time', () => {
  const random = createRandom(1);
  const draw = (percent: number) => choose({ percent }, hashes, () => random.below(1_000_000) / 1_000_000);
  expect(draw(10)).toHaveLength(10);
  expect(draw(10)).not.toEqual(draw(10));
  expect(draw(0.1)).toHaveLength(1);
  expect(new Set(draw(100))).toEqual(new Set(hashes));
  expect(choose({ percent: 10 }, [])).toEqual([]);
});
