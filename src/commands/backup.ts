import type { Context } from '../context.ts';
import { DavitError, factOf, messageOf } from '../model/errors.ts';
import type { FilesSource } from '../model/plan.ts';
import type { Manifest } from '../model/snapshot.ts';
import { capture } from '../steps/capture.ts';
import { discover, type Service, type Stack } from '../steps/discover.ts';
import { recover, requireAlone } from '../steps/journal.ts';
import { withLock } from '../steps/lock.ts';
import { plan } from '../steps/plan.ts';
import { chooseSets, idleSettings, setsOf } from '../steps/sets.ts';
import { notify, noticeOf } from '../steps/notify.ts';
import { judge, removeExpired } from '../steps/retain.ts';
import { commit, openRun } from '../steps/run.ts';
import { abandon } from '../steps/stopping.ts';
import { verify } from '../steps/verify.ts';
import { removeOrphans } from '../steps/worker.ts';
import { reportHealth } from './health.ts';
import { reportHalfRestored, tellOfKilledRun } from './killed.ts';

/** A manifest and an error: the snapshot is stored and whole, and older ones could not be removed. */
export interface BackupOutcome {
  readonly set: string;
  readonly manifest?: Manifest;
  readonly error?: unknown;
}

/** `davit backup`: a snapshot of one set or of every set. A set that fails does not keep the others from being captured. */
export async function backup(
  context: Context,
  options: { set?: string | undefined; wants?: (set: string) => boolean },
): Promise<BackupOutcome[]> {
  return backupSets(context, options).catch(async (error: unknown) => {
    const { DAVIT_STACK: stack } = context.environment;
    if (!context.signal.aborted) await notify(context, { stack, set: options.set, status: 'failed', error: messageOf(error) });
    throw error;
  });
}

async function backupSets(
  context: Context,
  options: { set?: string | undefined; wants?: (set: string) => boolean },
): Promise<BackupOutcome[]> {
  const stack = await discover(context);
  const isDue = (set: string): boolean => (options.set ?? set) === set && options.wants?.(set) !== false;
  return withLock(stack.name, async () => {
    await using _ = await beginRun(context, stack, setsOf(stack).filter(isDue));
    await removeOrphans(context, stack);
    await recover(context, stack);
    await requireAlone(context, stack);
    const outcomes: BackupOutcome[] = [];
    for (const set of chooseSets(stack, options.set).filter(isDue)) {
      const startedAt = context.now().getTime();
      await notify(context, { stack: stack.name, set, status: 'started' });
      const outcome: BackupOutcome = await backupSet(context, set, 'backup').then(
        (manifest) => ({ set, manifest }),
        (error: unknown) => ({ set, error, ...(error instanceof NothingRemoved ? { manifest: error.manifest } : {}) }),
      );
      outcomes.push(outcome);
      await notify(context, noticeOf(stack.name, set, context.now().getTime() - startedAt, outcome));
      context.signal.throwIfAborted();
    }
    return outcomes;
  });
}

/** Kept beside the state of health, so that a run that is killed is told of by the next one. */
async function beginRun(context: Context, stack: Stack, sets: string[]): Promise<AsyncDisposable> {
  await tellOfKilledRun(context);
  await reportHalfRestored(context, stack);
  await reportHealth({ underWay: { stack: stack.name, since: context.now().toISOString(), sets } });
  return { [Symbol.asyncDispose]: () => reportHealth({ underWay: undefined }) };
}

/** Retention has failed, after everything else went well. */
class NothingRemoved extends DavitError {
  readonly manifest: Manifest;

  constructor(manifest: Manifest, cause: unknown) {
    const fix = cause instanceof DavitError ? cause.complaint.fix : undefined;
    const what = 'is stored and whole, but retention could not remove what is older';
    super({ where: `snapshot ${manifest.id}`, what, seen: factOf(cause), fix }, { cause });
    this.manifest = manifest;
  }
}

/** One run of one set. `adapt`: how a service is to be seen, where it is not as its labels say; `replaced`: trees that are captured whatever these say. */
export async function backupSet(
  context: Context,
  set: string,
  reason: Manifest['reason'],
  adapt: (service: Service) => Service = (service) => service,
  replaced: readonly FilesSource[] = [],
): Promise<Manifest> {
  const found = await discover(context);
  const stack = { ...found, services: found.services.map(adapt) };
  const planned = await plan(context, stack, set, replaced);
  const problems = planned.problems.filter(({ absent }) => reason === 'backup' || absent !== true);
  const run = await openRun(context, stack, { ...planned, problems }, reason);
  let manifest: Manifest;
  try {
    await capture(context, run);
    manifest = await commit(context, run);
  } catch (error) {
    await abandon(context, run);
    throw error;
  }
  await verify(context, manifest);
  if (manifest.status === 'complete' && reason === 'backup' && run.surveyed && idleSettings(stack).length === 0)
    await judge(context, stack, set)
      .then((verdicts) => removeExpired(context, verdicts))
      .catch((cause: unknown) => {
        context.signal.throwIfAborted();
        throw new NothingRemoved(manifest, cause);
      });
  return manifest;
}
