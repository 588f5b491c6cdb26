import type { Context } from '../context.ts';
import type { Stack } from '../steps/discover.ts';
import { halfRestored } from '../steps/half-restored.ts';
import { notify } from '../steps/notify.ts';
import { killedRun, reportHealth, reportRun } from './health.ts';

/** A run that was killed cannot tell it: the next one does, or the next start. Its sets are ill until they are backed up again. */
export async function tellOfKilledRun(context: Context): Promise<void> {
  const killed = await killedRun();
  if (killed === undefined) return;
  const { stack, since, sets } = killed;
  const error = `the backup that began at ${since} was killed; \`davit list\` shows the snapshots that there are`;
  await reportRun(
    sets.map((set) => ({ set, error: new Error(error) })),
    context.log,
  );
  await notify(context, { stack, set: undefined, status: 'failed', error });
  await reportHealth({ underWay: undefined });
}

/** Says to the health check what restores that did not succeed have left; resolves with the sentence, if there is one. */
export async function reportHalfRestored(context: Context, stack: Stack): Promise<string | undefined> {
  const services = stack.services.map(({ name }) => name);
  const errors = (await halfRestored(context, stack, services)).map(({ error }) => error.message);
  const error = errors.length === 0 ? undefined : errors.join('; ');
  await reportHealth({ halfRestored: error === undefined ? undefined : { stack: stack.name, error } });
  return error;
}

/** The app runs again, on data that nobody may rely on: whoever is told of failed backups must hear it. */
export async function tellOfHalfRestored(context: Context, stack: Stack): Promise<void> {
  const error = await reportHalfRestored(context, stack);
  if (error === undefined) return;
  context.log.error({ error }, 'the app runs on what a restore has left half-way');
  await notify(context, { stack: stack.name, set: undefined, status: 'failed', error });
}
