import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { DavitError, messageOf, NameTaken } from '../model/errors.ts';
import { discover, type Service, type Stack } from './discover.ts';
import { endRestore } from './ending.ts';
import { halfRestored } from './half-restored.ts';
import { hooksOf, runHook } from './hooks.ts';
import { untilStarted } from './lifecycle.ts';
import { type Journal, journals, writeJournal } from './journal-note.ts';
import { outwaitStops, resume } from './quiesce.ts';

const pollMs = 100;
const attemptsToSee = 50;

/**
 * Written before anything is touched. undefined: there is nothing to undo. It takes the place of older ones that could not be undone and name nothing else. Its
 * name is also the lock between containers: Docker gives it to one of several Davits that begin in the same moment.
 */
export function openJournal(context: Context, stack: Stack, journal: Journal & { readonly restore: object }): Promise<string>;
export function openJournal(context: Context, stack: Stack, journal: Journal): Promise<string | undefined>;
export async function openJournal(context: Context, stack: Stack, journal: Journal): Promise<string | undefined> {
  if (journal.standstills.length === 0 && journal.hooks.length === 0 && journal.restore === undefined) return undefined;
  const older = await journals(context, stack);
  const name = `davit-journal-${stack.name}`;
  const id = await writeFirst();
  for (const one of older) if (one.other === undefined && covers(journal, one.journal)) await context.docker.remove(one.id);
  return id;

  /** Where the name is taken, it is by somebody else, who must be done first, or by an older one of our own, which stays. */
  async function writeFirst(): Promise<string> {
    for (let attempt = 1; attempt <= attemptsToSee; attempt += 1) {
      try {
        return await writeJournal(context, stack, name, journal);
      } catch (error) {
        if (!(error instanceof NameTaken)) throw error;
        await requireAlone(context, stack);
        if ((await journals(context, stack)).some((one) => one.name === name)) break;
        // Docker gives a name away before its container can be seen.
        await wait(pollMs, undefined, { signal: context.signal });
      }
    }
    return writeJournal(context, stack, `${name}-${randomBytes(4).toString('hex')}`, journal);
  }
}

/** The lock does not reach into another container: two that stop and start the same services would tear each other's snapshots. */
export async function requireAlone(context: Context, stack: Stack): Promise<void> {
  const [other] = (await journals(context, stack)).flatMap((one) => one.other ?? []);
  if (other !== undefined)
    throw new DavitError({
      where: `stack "${stack.name}"`,
      what: 'another Davit has stopped, paused or hooked its services',
      seen: `container ${other.name}`,
      fix: 'wait until it is done; one Davit per stack, and `docker compose exec` rather than `run`',
    });
}

function covers(newer: Journal, older: Journal | DavitError): boolean {
  if (older instanceof DavitError) return false;
  const containers = newer.standstills.flatMap((standstill) => standstill.containers);
  return (
    older.restore === undefined &&
    older.hooks.every((service) => newer.hooks.includes(service)) &&
    older.standstills.every((standstill) => standstill.containers.every((container) => containers.includes(container)))
  );
}

/** What came of undoing a journal. */
interface Undone {
  readonly errors: readonly unknown[];
  readonly warnings: readonly string[];
}

/** Undoes a journal: resumes, runs the `after` hooks, and only then forgets it. Every part is tried. `before`: the stack as it was, some containers of which compose may have replaced. */
export async function closeJournal(
  context: Context,
  before: Stack,
  id: string | undefined,
  journal: Journal,
  resumed?: (service: string) => void,
): Promise<Undone> {
  const stack = await discover(context).catch(() => before);
  const errors: unknown[] = [];
  const warnings: string[] = [];
  const tryTo = async (part: Promise<string | void>): Promise<void> => {
    await part.then(
      (warning) => void (typeof warning === 'string' && warnings.push(warning)),
      (error: unknown) => void errors.push(error),
    );
  };
  await tryTo(resume(context, stack, journal.standstills, resumed).then((gone) => void warnings.push(...gone)));
  const services = journal.hooks
    .map((name) => stack.services.find((service) => service.name === name))
    .filter((service): service is Service => service !== undefined);
  const hooks = hooksOf(services, 'after');
  await tryTo(
    untilStarted(
      context,
      hooks.map(({ service }) => service),
    ),
  );
  for (const { service, hook } of hooks) await tryTo(runHook(context, service, hook));
  if (id !== undefined && errors.length === 0) await tryTo(context.docker.remove(id));
  return { errors, warnings };
}

/** The journals that this Davit can undo, and nobody alive elsewhere. While nothing is under way here, they are of what was killed, or could not be undone. */
export async function abandonedJournals(context: Context, stack: Stack): Promise<string[]> {
  return (await journals(context, stack)).flatMap(({ id, journal, other }) =>
    other === undefined && !(journal instanceof DavitError) ? [id] : [],
  );
}

/** Undoes what a killed run of this stack has left: first act of the daemon and of every run. What another Davit that is alive has stopped is left to it. */
export async function recover(context: Context, stack: Stack): Promise<void> {
  for (const { id, journal, other } of await journals(context, stack)) {
    if (other !== undefined) continue;
    if (journal instanceof DavitError) {
      context.log.error({ error: journal.message }, 'could not be undone');
      continue;
    }
    const services = [...new Set([...journal.standstills.map(({ service }) => service), ...journal.hooks])];
    const { ending, ...restore } = journal.restore ?? {};
    context.log.warn({ services, ...restore }, await whatWasKilled(context, stack, journal));
    if (ending === undefined) await outwaitStops(context, stack, journal.standstills);
    const errors =
      ending === undefined
        ? (await closeJournal(context, stack, id, journal)).errors
        : await endRestore(context, stack, { ...journal, ...ending }, id).then(
            () => [],
            (error: unknown) => [error],
          );
    for (const error of errors) context.log.error({ error: messageOf(error) }, 'could not be undone');
  }
}

async function whatWasKilled(context: Context, stack: Stack, { restore }: Journal): Promise<string> {
  if (restore === undefined) return 'an earlier run could not undo what it had stopped, paused or hooked: doing it now';
  if (restore.ending !== undefined)
    return 'an earlier restore had put everything in when it ended: starting what is left, and running the after-restore hooks';
  const mixture = await halfRestored(
    context,
    stack,
    stack.services.map(({ name }) => name),
  );
  return mixture.length === 0
    ? 'an earlier restore was killed before it replaced anything: bringing back what it had stopped'
    : 'an earlier restore was killed half-way: bringing back what it had stopped; the data are a mixture until you restore again, the snapshot, or the one in `safety` where there is one';
}
