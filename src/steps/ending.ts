import type { Context } from '../context.ts';
import { andAlso, messageOf } from '../model/errors.ts';
import { discover, type Service, type Stack } from './discover.ts';
import { hooksOf, runHook } from './hooks.ts';
import { startAndWait } from './lifecycle.ts';
import { resume, type Standstill } from './quiesce.ts';

/** What is left of a restore when everything is in, as services: which to start, and whose `after-restore` hooks must run. */
export interface Ending {
  /** When everything was in. */
  readonly since: string;
  readonly starting: readonly string[];
  readonly hooks: readonly string[];
}

/** Later, an app has been used, and a hook that puts restored data in order may harm what is new. */
const hooksMs = 3_600_000;

/**
 * Ends a restore, also one that was killed when everything was in. Its journal goes once all runs; a hook is tried only once. Who is told to stop, or cannot start
 * one service, brings back the others all the same and leaves the rest to the next start.
 */
export async function endRestore(
  context: Context,
  before: Stack,
  { standstills, since, starting, hooks }: Ending & { readonly standstills: readonly Standstill[] },
  journal: string,
): Promise<void> {
  const stack = await discover(context).catch(() => before);
  const named = (names: readonly string[]): Service[] => stack.services.filter(({ name }) => names.includes(name));
  try {
    await startAndWait(context, stack, named(starting).map(asBefore(standstills)));
    await resume(context, stack, standstills);
  } catch (cause) {
    await resume(context, stack, standstills).catch((error: unknown) => {
      if (messageOf(error) !== messageOf(cause)) context.log.error({ error: messageOf(error) }, 'could not be brought back');
    });
    const rest =
      'what has not started, and the after-restore hooks, follow with the next start or run of Davit; after an hour, run these hooks by hand';
    throw andAlso(cause, 'restore', rest);
  }
  const due = hooksOf(named(hooks), 'after-restore');
  const isLate = context.now().getTime() - Date.parse(since) > hooksMs;
  if (isLate && due.length > 0)
    context.log.error(
      { services: hooks },
      'more than an hour after the restore, its after-restore hooks are not run any more: run by hand what they say',
    );
  try {
    for (const { service, hook } of isLate ? [] : due) await runHook(context, service, hook);
  } catch (cause) {
    throw andAlso(cause, 'restore', 'run by hand what it says, and what the after-restore hooks behind it say');
  } finally {
    await context.docker.remove(journal);
  }
}

/** Of several containers, one that had been stopped by somebody else stays so. Those that compose has made anew have other names, and all count. */
function asBefore(standstills: readonly Standstill[]): (service: Service) => Service {
  return (service) => {
    const ours = standstills.find((one) => one.service === service.name)?.containers ?? [];
    const [first, ...rest] = service.containers.filter(({ name }) => ours.includes(name));
    return first === undefined ? service : { ...service, containers: [first, ...rest] };
  };
}
