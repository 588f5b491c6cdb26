import { schedule, validate, type ScheduledTask } from 'node-cron';
import { z } from 'zod';

/** A machine that slept, was busy, or got another clock begins late rather than not at all, within the hour after which health misses the run. */
export const latestMs = 3_600_000;

/**
 * Starts what a schedule means. `missed` hears when the last of several beginnings fell out as well. Those that fall into a run that is under way are
 * left out.
 */
export function onSchedule(expression: string, timezone: string, run: () => Promise<void>, missed: (at: Date) => void): ScheduledTask {
  let fallenOut: Date | undefined;
  const begin = (): Promise<void> => {
    fallenOut = undefined;
    return run();
  };
  const tell = (): void => {
    if (fallenOut !== undefined) missed(fallenOut);
    fallenOut = undefined;
  };
  const options = { timezone, noOverlap: true, missedExecutionTolerance: latestMs, suppressMissedWarning: true, logger: silent };
  const task = schedule(expression, begin, options);
  task.on('execution:missed', ({ date }) => {
    if (fallenOut === undefined) setImmediate(tell);
    fallenOut = date;
  });
  return task;
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

/** Five fields, or six with seconds. */
export const cron = z.string().refine(validate, { error: 'expected a cron expression of five fields, such as 0 3 * * *' });
