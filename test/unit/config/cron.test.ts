import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { onSchedule } from '../../../src/config/cron.ts';

const ran: string[] = [];
const missed: string[] = [];
let task: ReturnType<typeof onSchedule>;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-21T02:59:00Z') });
  ran.length = missed.length = 0;
  start('0 3 * * *');
});

function start(expression: string): void {
  task = onSchedule(
    expression,
    'UTC',
    async () => void ran.push(new Date().toISOString()),
    (at) => void missed.push(at.toISOString()),
  );
}
afterEach(async () => {
  await task.destroy();
  vi.useRealTimers();
});

/** The clock goes on while timers do not, as when a machine sleeps or its clock is set. */
async function wakeAt(time: string): Promise<void> {
  vi.setSystemTime(new Date(time));
  await vi.advanceTimersByTimeAsync(300_000);
}

test('a run begins at its time', async () => {
  await vi.advanceTimersByTimeAsync(24 * 3_600_000);
  expect([ran, missed]).toEqual([['2026-11-21T03:00:00.000Z'], []]);
});

test.each(['03:00:05', '03:50:00'])('a machine that slept until %s begins late', async (time) => {
  await wakeAt(`2026-11-21T${time}Z`);
  expect([ran.length, missed]).toEqual([1, []]);
});

test('what is more than an hour late is missed, and said; the next one begins in time', async () => {
  await wakeAt('2026-11-21T05:00:00Z');
  expect([ran, missed]).toEqual([[], ['2026-11-21T03:00:00.000Z']]);
  await vi.advanceTimersByTimeAsync(24 * 3_600_000);
  expect(ran).toEqual(['2026-11-22T03:00:00.000Z']);
});

test('of many that fell out, one begins late, or the last one is said', async () => {
  await wakeAt('2026-11-25T09:00:00Z');
  expect([ran, missed]).toEqual([[], ['2026-11-25T03:00:00.000Z']]);
  await task.destroy();
  start('*/5 * * * *');
  await wakeAt('2026-11-25T15:01:30Z');
  expect([ran.length, missed.length]).toEqual([1, 1]);
});

test('a clock that is set back does not run twice', async () => {
  await vi.advanceTimersByTimeAsync(120_000);
  await wakeAt('2026-11-21T02:00:00Z');
  await vi.advanceTimersByTimeAsync(3 * 3_600_000);
  expect([ran, missed]).toEqual([['2026-11-21T03:00:00.000Z'], []]);
});
