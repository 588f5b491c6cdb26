import { expect, test } from 'vitest';
import { timetables } from '../../../src/commands/daemon.ts';
import { service, stack } from '../../support/builders.ts';

const withSets = (schedules: Readonly<Record<string, string>>) =>
  stack({
    ...service('davit', { own: true }),
    sets: new Map(Object.entries(schedules).map(([name, schedule]) => [name, { schedule }])),
  });

test('a set with a schedule of its own leaves the common one', () => {
  const [common, weekly] = timetables(withSets({ weekly: '0 4 * * 0' }), '0 3 * * *');
  expect(['default', 'weekly'].map((set) => [common?.wants(set), weekly?.wants(set)])).toEqual([
    [true, false],
    [false, true],
  ]);
});
