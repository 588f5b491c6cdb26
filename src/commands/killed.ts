import { setTimeout as wait } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { messageOf } from '../model/errors.ts';
import { discover, type Stack } from '../steps/discover.ts';
import { halfRestored } from '../steps/half-restored.ts';
import { abandonedJournals, recover } from '../steps/journal.ts';
import { isHeld, withLock } from '../steps/lock.ts';
import { notify } from '../steps/notify.ts';
import { removeOrphans } from '../steps/worker.ts';
import { type HealthState, killedRun, readState, reportHealth, reportRun } from './health.ts';
import type { Turns } from './turns.ts';

const lookEveryMs = 15_000;
const longestPauseMs = 3_600_000;

/** A run that was killed cannot tell it: the next one does, or the next start. Its sets are ill until they are backed up again. */
export async function tellOfKilledRun(context: Context): Promise<void> {
  const killed = await killedRun();
  if (killed === undefined) return;
  const { stack, since, sets } = killed;
  const error = `the backup that began at ${since} was killed; \`davit list\` shows the snapshots that there are`;
  await reportRun(
    context,
    sets.map((set) => ({ set, error: new Error(error) })),
  );
  await notify(context, { stack, set: undefined, status: 'failed', error });
  await reportHealth({ underWay: undefined });
}

/** Says to the health check what restores that did not succeed have left; resolves with the sentence, if there is one. */
export async function reportHalfRestored(context: Context, stack: Stack): Promise<string | undefined> {
  const services = stack.services.map(({ name }) => name);
  const errors = (await halfRestored(context, stack, services)).map(({ error }) => error.message);
  const error = errors.length === 0 ? undefined : errors.join('; ');
  const before = (await readState().catch((): Partial<HealthState> => ({}))).halfRestored;
  const since = before?.error === error ? before?.since : undefined;
  await reportHealth({
    halfRestored: error === undefined ? undefined : { stack: stack.name, error, since: since ?? context.now().toISOString() },
  });
  return error;
}

/** The app runs again, on data that nobody may rely on: whoever is told of failed backups must hear it. */
export async function tellOfHalfRestored(context: Context, stack: Stack): Promise<void> {
  const error = await reportHalfRestored(context, stack);
  if (error === undefined) return;
  context.log.error({ error }, 'the app runs on what a restore has left half-way');
  await notify(context, { stack: stack.name, set: undefined, status: 'failed', error });
}

/**
 * A command beside the daemon may be killed, as for want of memory: what it has stopped must not wait for the next run. What cannot be undone yet, as while a
 * machine comes up, is tried again after pauses that double. Ends when Davit is told to stop.
 */
export async function watchOver(context: Context, stack: Stack, turns: Turns): Promise<void> {
  const tries = new Map<string, { readonly count: number; readonly at: number }>();
  while (await passes(context.signal)) {
    await look().catch((error: unknown) => context.log.debug({ error: messageOf(error) }, 'what killed commands have left is not known'));
  }

  async function look(): Promise<void> {
    const killed = await killedRun();
    const left = await abandonedJournals(context, stack);
    if ((killed === undefined && !left.some(isDue)) || (await isHeld(stack.name))) return;
    const isNews = killed !== undefined || left.some((id) => !tries.has(id));
    await turns.take(() =>
      withLock(stack.name, () => bringBack(isNews)).then(
        () => left.forEach((id) => tries.set(id, { count: (tries.get(id)?.count ?? 0) + 1, at: performance.now() })),
        (error: unknown) => context.log.warn({ error: messageOf(error) }, 'what a killed command has left is not undone yet'),
      ),
    );
  }

  function isDue(id: string): boolean {
    const last = tries.get(id);
    return last === undefined || performance.now() - last.at >= pauseAfter(last.count);
  }

  async function bringBack(isNews: boolean): Promise<void> {
    const now = await discover(context);
    await removeOrphans(context, now);
    await recover(context, now);
    await tellOfKilledRun(context);
    await (isNews ? tellOfHalfRestored(context, now) : reportHalfRestored(context, now));
  }
}

export function pauseAfter(tries: number): number {
  return Math.min(lookEveryMs * 2 ** (tries - 1), longestPauseMs);
}

/** A while; false: Davit was told to stop. */
function passes(signal: AbortSignal): Promise<boolean> {
  return wait(lookEveryMs, true, { signal, ref: false }).catch(() => false);
}
