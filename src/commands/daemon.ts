import { schedule } from '../config/cron.ts';
import type { Context } from '../context.ts';
import { discover, type Stack } from '../steps/discover.ts';
import { recover } from '../steps/journal.ts';
import { holdDaemon, stopHolder } from '../steps/lock.ts';
import { notify } from '../steps/notify.ts';
import { removeOrphans } from '../steps/worker.ts';
import { backup } from './backup.ts';
import { drillOnSchedule } from './drill.ts';
import { serve } from './http.ts';
import { killedRun, reportHealth, reportRun } from './health.ts';

/** `davit`: backs up on schedule until it is told to stop. Its first act is to undo what a killed run has left. */
export async function daemon(context: Context): Promise<void> {
  const { environment, log, signal, now } = context;
  const { DAVIT_SCHEDULE: expression, DAVIT_DRILL: drills, TZ: timezone } = environment;
  const stack = await discover(context);
  await using _ = await holdDaemon(stack.name);
  await using _http = await serve(context, stack.name);
  await removeOrphans(context, stack);
  await recover(context, stack);
  await tellOfKilledRun();

  let under: Promise<void> = Promise.resolve();
  const tasks = timetables(stack, expression).map(({ cron, wants }) =>
    schedule(cron, () => (under = under.then(() => runOnce(wants))), { timezone, noOverlap: true }),
  );
  const drilling =
    drills === undefined
      ? []
      : [schedule(drills, () => (under = under.then(() => drillOnSchedule(context, stack.name))), { timezone, noOverlap: true })];
  const next = (): string | undefined => tasks.map((task) => task.getNextRun()?.toISOString() ?? '').toSorted()[0];
  await reportHealth({ startedAt: now().toISOString(), nextRunAt: next() });
  log.info(
    { stack: stack.name, storage: context.repository.location, schedule: expression, timezone, next: next(), version: context.version },
    'waiting for the next run',
  );

  async function tellOfKilledRun(): Promise<void> {
    const since = await killedRun();
    if (since === undefined) return;
    const error = `the backup that began at ${since} was killed; \`davit list\` shows the snapshots that there are`;
    log.error({ error }, 'backup failed');
    await notify(context, { stack: stack.name, set: undefined, status: 'failed', error });
    await reportHealth({ underWaySince: undefined });
  }

  async function runOnce(wants: Timetable['wants']): Promise<void> {
    await reportHealth({ nextRunAt: next() });
    try {
      await reportRun(await backup(context, { wants }), log);
    } catch (error) {
      await reportRun([{ set: 'default', error }], log);
    }
    await reportHealth({ nextRunAt: next() });
    if (!signal.aborted) log.info({ next: next() }, 'waiting for the next run');
  }

  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  for (const task of [...tasks, ...drilling]) await task.destroy();
  await Promise.all([under, stopHolder(stack.name)]);
}

interface Timetable {
  readonly cron: string;
  /** Which sets are due then. */
  readonly wants: (set: string) => boolean;
}

/** Sets with a schedule of their own, and all the others on the common one. */
export function timetables(stack: Stack, common: string): Timetable[] {
  const settings = [...(stack.services.find((service) => service.own)?.sets ?? [])];
  const own = settings.flatMap(([name, { schedule: cron }]) => (cron === undefined ? [] : [{ name, cron }]));
  return [
    { cron: common, wants: (set) => !own.some(({ name }) => name === set) },
    ...own.map(({ name, cron }) => ({ cron, wants: (set: string) => set === name })),
  ];
}
