import { expect, test } from 'vitest';
import { compare } from '../../../src/steps/compare.ts';
import { artifact } from '../../support/builders.ts';

const dumped = artifact({ tables: [{ name: 'a', rows: 3 }, { name: 'b', rows: 0 }, { name: 'partitioned' }] });

test('every table with every row is what the snapshot holds; more tables are no matter', () => {
  const now = [
    { name: 'b', rows: 0 },
    { name: 'a', rows: 3 },
    { name: 'of_an_extension', rows: 9 },
  ];
  expect(() => compare(dumped, now)).not.toThrow();
});

test('an artifact without tables has nothing to compare', () => {
  expect(() => compare(artifact(), [])).not.toThrow();
});

test.each([
  ['missing', [{ name: 'a', rows: 3 }], 'table b is missing'],
  [
    'short',
    [
      { name: 'a', rows: 2 },
      { name: 'b', rows: 0 },
    ],
    'table a has 2 rows instead of 3',
  ],
  [
    'long',
    [
      { name: 'a', rows: 3 },
      { name: 'b', rows: 1 },
    ],
    'table b has 1 rows instead of 0',
  ],
  ['nothing there', [], 'table a is missing; table b is missing'],
])('%s', (_, now, seen) => {
  expect(() => compare(dumped, now)).toThrow(`db/shop: the restored database is not what the snapshot holds: ${seen} — make sure`);
});

test('a long list of differences is cut', () => {
  const many = artifact({ tables: Array.from({ length: 8 }, (_, index) => ({ name: `t${index}`, rows: 1 })) });
  expect(() => compare(many, [])).toThrow(/t4 is missing and 3 more/);
});
