import { latestMs, onSchedule } from '../config/cron.ts';
import type { Context } from '../context.ts';
import { messageOf } from '../model/errors.ts';
import { discover, type Stack } from '../steps/discover.ts';
import { recover } from '../steps/journal.ts';
import { holdDaemon, isHeld, stopHolder, untilFree } from '../steps/lock.ts';
import { notify } from '../steps/notify.ts';
import { nobody, setsOf, unknownSets, unknownStorage } from '../steps/sets.ts';
import { unmountedFolders } from '../steps/storage-folders.ts';
import { removeOrphans } from '../steps/worker.ts';
import { backup } from './backup.ts';
import { drillOnSchedule } from './drill.ts';
import { serve } from './http.ts';
import { reportHealth, reportRun } from './health.ts';
import { tellOfHalfRestored, tellOfKilledRun, watchOver } from './killed.ts';
import { createTurns } from './turns.ts';

/** `davit`: backs up on schedule until it is told to stop. Its first act is to undo what a killed run has left. */
export async function daemon(context: Context): Promise<void> {
  const { environment, log, signal, now } = context;
  const { DAVIT_SCHEDULE: expression, DAVIT_DRILL: drills, TZ: timezone } = environment;
  const stack = await discover(context);
  await using _ = await holdDaemon(stack.name);
  await using _http = await serve(context, stack.name);
  await removeOrphans(context, stack);
  await recover(context, stack);
  await tellOfKilledRun(context);
  await tellOfHalfRestored(context, stack);
  tellOfShortcomings(context, stack);

  const turns = createTurns((error) => log.error({ error: messageOf(error) }, 'the run could not be begun or told of'));
  /** After commands that run beside the daemon as well, which would refuse it. */
  const inTurn = (part: () => Promise<void>): Promise<void> =>
    turns.take(async () => {
      if (await isHeld(stack.name)) log.info({}, 'waiting until what is under way is done');
      await untilFree(stack.name, AbortSignal.any([signal, AbortSignal.timeout(latestMs)]));
      if (!signal.aborted) await part();
    });
  const tasks = timetables(stack, expression).map((timetable) =>
    onSchedule(
      timetable.cron,
      timezone,
      () => inTurn(() => runOnce(timetable)),
      (at) => void turns.take(() => tellOfMissedRun(timetable, at)),
    ),
  );
  const drilling =
    drills === undefined
      ? []
      : [
          onSchedule(
            drills,
            timezone,
            () => inTurn(() => drillOnSchedule(context, stack.name)),
            (at) => log.error({ at: at.toISOString() }, 'a drill was missed'),
          ),
        ];
  const watching = watchOver(context, stack, turns);
  const next = (): string | undefined => tasks.map((task) => task.getNextRun()?.toISOString() ?? '').toSorted()[0];
  await reportHealth({ startedAt: now().toISOString(), nextRunAt: next() });
  log.info(
    { stack: stack.name, storage: context.repository.location, schedule: expression, timezone, next: next(), version: context.version },
    'waiting for the next run',
  );

  async function tellOfMissedRun({ name }: Timetable, at: Date): Promise<void> {
    const error = `the backup of ${at.toISOString()} was missed: this machine slept, was too busy, or got another clock`;
    await reportRun(context, [{ set: name, error: new Error(error) }]);
    await notify(context, { stack: stack.name, set: undefined, status: 'failed', error });
  }

  async function runOnce({ name, wants }: Timetable): Promise<void> {
    await reportHealth({ nextRunAt: next() });
    try {
      await reportRun(context, await backup(context, { wants }), wants);
    } catch (error) {
      await reportRun(context, [{ set: name, error }]);
    }
    await reportHealth({ nextRunAt: next() });
    if (!signal.aborted) log.info({ next: next() }, 'waiting for the next run');
  }

  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  for (const task of [...tasks, ...drilling]) await task.destroy();
  await Promise.all([watching, turns.take(async () => {}), stopHolder(stack.name)]);
}

/** What is wrong in any case, without a question to anybody: the first run, which would say it, may be a night away. */
export function tellOfShortcomings(context: Context, stack: Stack): void {
  const sets = setsOf(stack);
  const ofLabels = sets.length === 0 ? [nobody(stack)] : stack.services.flatMap(({ problems }) => problems);
  const ofSets = sets.flatMap((set) => [...unknownSets(stack, set), ...unknownStorage(context, stack, set)]).map(({ error }) => error);
  for (const { message } of [...ofLabels, ...ofSets, ...unmountedFolders(stack.own, context.environment)])
    context.log.error({ error: message }, 'no backup will be complete before this is mended');
}

interface Timetable {
  /** A set that it is about. */
  readonly name: string;
  readonly cron: string;
  /** Which sets are due then. */
  readonly wants: (set: string) => boolean;
}

/** Sets with a schedule of their own, and all the others on the common one. */
export function timetables(stack: Stack, common: string): Timetable[] {
  const settings = [...(stack.services.find((service) => service.own)?.sets ?? [])];
  const own = settings.flatMap(([name, { schedule: cron }]) => (cron === undefined ? [] : [{ name, cron }]));
  return [
    { name: 'default', cron: common, wants: (set) => !own.some(({ name }) => name === set) },
    ...own.map(({ name, cron }) => ({ name, cron, wants: (set: string) => set === name })),
  ];
}
