import { expect, test } from 'vitest';
import { isAlmighty } from '../../../src/steps/privileges.ts';

test.each([
  ['000001ffffffffff', true],
  ['00000000a80425fb', true],
  ['00000000a80425f9', false],
  ['0000000000000000', false],
])('who holds the capabilities %s may read and give back what is whose: %s', (held, expected) => {
  expect(isAlmighty(() => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${held}\nCapBnd:\t000001ffffffffff\n`)).toBe(expected);
});
