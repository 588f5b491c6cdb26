import { schedule, validate } from 'node-cron';
import type { Context } from '../context.ts';
import { configurationError } from '../model/errors.ts';
import { discover } from '../steps/discover.ts';
import { recover } from '../steps/journal.ts';
import { removeOrphans } from '../steps/worker.ts';
import { backup } from './backup.ts';
import { reportHealth, reportRun } from './health.ts';

/** `davit`: backs up on schedule until it is told to stop. Its first act is to undo what a killed run has left. */
export async function daemon(context: Context): Promise<void> {
  const { environment, log, signal, now } = context;
  const { DAVIT_SCHEDULE: expression, TZ: timezone } = environment;
  if (!validate(expression))
    throw configurationError({
      where: 'environment',
      what: 'DAVIT_SCHEDULE is no cron expression',
      seen: expression,
      fix: 'write five fields, such as `0 3 * * *`',
    });
  const stack = await discover(context);
  await removeOrphans(context, stack);
  await recover(context, stack);

  let under: Promise<void> = Promise.resolve();
  const task = schedule(expression, () => (under = runOnce(context)), { timezone, noOverlap: true });
  const next = (): string | undefined => task.getNextRun()?.toISOString();
  await reportHealth({ startedAt: now().toISOString(), nextRunAt: next() });
  log.info(
    { stack: stack.name, storage: context.repository.location, schedule: expression, timezone, next: next(), version: context.version },
    'waiting for the next run',
  );

  async function runOnce(run: Context): Promise<void> {
    try {
      await reportRun(await backup(run, {}), log);
    } catch (error) {
      await reportRun([{ set: '', error }], log);
    }
    await reportHealth({ nextRunAt: next() });
    if (!signal.aborted) log.info({ next: next() }, 'waiting for the next run');
  }

  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await task.destroy();
  await under;
}
