import { describe, expect, test } from 'vitest';
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

describe('a schedule that is none ends the start with exit code 2', () => {
  test.each(['at night', '61 * * * *', '0 3 * *', '0 0 31 2 *', ''])('%j', (cron) => {
    const configuration = expect.objectContaining({ exitCode: 2 });
    const inCommon = () => timetables(withSets({}), cron);
    expect(inCommon).toThrow(/^DAVIT_SCHEDULE: is no cron expression.* — write five fields/);
    expect(inCommon).toThrow(configuration);
    const ofSet = () => timetables(withSets({ weekly: cron }), '0 3 * * *');
    expect(ofSet).toThrow(/^label davit\.set\.weekly\.schedule: is no cron expression/);
    expect(ofSet).toThrow(configuration);
  });
});
