import { expect, test } from 'vitest';
import { byOrder, type Source } from '../../../src/model/plan.ts';
import { commandSource, databaseSource, filesSource, volume } from '../../support/builders.ts';

test('databases and commands come before files, then order, then service, then name', () => {
  const ordered: Source[] = [
    { ...databaseSource('z', 'z'), order: -1 },
    databaseSource('a', 'a'),
    databaseSource('a', 'b'),
    databaseSource('b', 'a'),
    commandSource('c'),
    { ...databaseSource('a', 'late'), order: 10 },
    { ...filesSource('z', volume('z', '/z')), order: -1 },
    filesSource('a', volume('a', '/a')),
    filesSource('b', volume('b', '/a')),
  ];
  expect(ordered.toReversed().toSorted(byOrder)).toEqual(ordered);
  expect([...ordered.slice(3), ...ordered.slice(0, 3)].toSorted(byOrder)).toEqual(ordered);
});
