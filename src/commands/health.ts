import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { type DrillReport, failureOf } from '../model/drill.ts';
import { DavitError, messageOf } from '../model/errors.ts';
import { type Manifest, storedBytes } from '../model/snapshot.ts';
import { isHeld } from '../steps/lock.ts';
import type { BackupOutcome } from './backup.ts';

/** The daemon writes it, `davit health` in the same container reads it. */
const statePath = '/tmp/davit-health.json';
/** How late a run may be before its absence is an illness. */
const graceMs = 3_600_000;
/** What was wrong before a start is told so long after it: `docker compose up --wait` waits for Davit, and not for the next night. */
const settlingMs = 30_000;

const ended = z.object({ endedAt: z.string(), failed: z.string().optional() });

const lastRun = ended.extend({
  /** Absent before this Davit has run. */
  status: z.enum(['complete', 'incomplete', 'failed']).optional(),
  durationMs: z.number().optional(),
  /** Stored. */
  bytes: z.number().optional(),
});
export type LastRun = z.infer<typeof lastRun>;

const underWay = z.object({ stack: z.string(), since: z.string(), sets: z.array(z.string()) });
export type UnderWay = z.infer<typeof underWay>;

const stateSchema = z.object({
  startedAt: z.string(),
  nextRunAt: z.string().nullish(),
  /** The run that is under way, or was killed. */
  underWay: underWay.optional(),
  /** A restore that is under way or did not succeed has left a mixture; `error` says which, and the ways back. */
  halfRestored: z.object({ stack: z.string(), error: z.string(), since: z.string() }).optional(),
  /** By set: when its last run ended, and what failed. */
  lastRuns: z.record(z.string(), lastRun).optional(),
  /** By set: when the last drill of its newest snapshot ended, and what could not be restored. */
  lastDrills: z.record(z.string(), ended).optional(),
});
export type HealthState = z.infer<typeof stateSchema>;

/** Which sets a run or a drill was about: what was known of one that is no more must not stay. */
export type Scope = (set: string) => boolean;
const nothing: Scope = () => false;

type Telling = Pick<Context, 'log' | 'redactor'>;

/** That one; without a name, all of them. */
export function inScope(name: string | undefined): Scope {
  return (set) => name === undefined || set === name;
}

/** The daemon and commands beside it write this at the same time. */
export async function reportHealth(news: Partial<HealthState>, scope: Scope = nothing, path = statePath): Promise<void> {
  const before = await readState(() => readFile(path, 'utf8')).catch((): Partial<HealthState> => ({}));
  const state = {
    startedAt: new Date().toISOString(),
    ...before,
    ...news,
    lastRuns: follow(before.lastRuns, news.lastRuns, scope),
    lastDrills: follow(before.lastDrills, news.lastDrills, scope),
  };
  const partial = `${path}.${crypto.randomUUID()}`;
  try {
    await writeFile(partial, JSON.stringify(state));
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new DavitError(
      {
        where: 'health',
        what: 'what Davit knows of its runs cannot be written in its own container',
        seen: messageOf(cause),
        fix: 'free space there, or mount a `tmpfs` at /tmp where the container is `read_only`',
      },
      { cause },
    );
  }
}

export function follow<T>(before: Readonly<Record<string, T>> = {}, news: Readonly<Record<string, T>> | undefined, scope: Scope) {
  const kept = Object.entries(before).filter(([set]) => news === undefined || !scope(set));
  return { ...Object.fromEntries(kept), ...news };
}

export async function readState(read = (): Promise<string> => readFile(statePath, 'utf8')): Promise<HealthState> {
  return stateSchema.parse(JSON.parse(await read()));
}

/** The run that never ended, because it was killed; asked before the next one begins. */
export async function killedRun(): Promise<UnderWay | undefined> {
  return (await readState().catch((): Partial<HealthState> => ({}))).underWay;
}

/** Says in the log and to the health check how a run went. That has no redactor of its own, and Docker shows everybody what it says. */
export async function reportRun({ log, redactor }: Telling, outcomes: readonly BackupOutcome[], scope?: Scope): Promise<void> {
  const endedAt = new Date().toISOString();
  const lastRuns = outcomes.map(({ set, manifest, error }) => {
    const failed = error !== undefined ? messageOf(error) : manifest?.status === 'complete' ? undefined : incomplete(set, manifest);
    if (failed !== undefined) log.error({ set, error: failed }, 'backup failed');
    const run = manifest === undefined ? { status: 'failed' as const } : lastRunOf(manifest);
    return [set, { ...run, endedAt, failed: failed && redactor.redact(failed) }] as const;
  });
  await reportHealth({ lastRuns: Object.fromEntries(lastRuns) }, scope);
}

/** What a manifest tells of the run that wrote it. */
export function lastRunOf(manifest: Manifest): LastRun {
  const { status, startedAt, endedAt } = manifest;
  return { endedAt, status, durationMs: Date.parse(endedAt) - Date.parse(startedAt), bytes: storedBytes(manifest) };
}

/** Says to the health check whether the newest snapshots can be restored. */
export async function reportDrill({ redactor }: Telling, reports: readonly DrillReport[], scope?: Scope): Promise<void> {
  const endedAt = new Date().toISOString();
  const lastDrills = Object.fromEntries(
    reports.map((report) => {
      const failed = failureOf(report);
      return [report.set, { endedAt, failed: failed && redactor.redact(failed) }];
    }),
  );
  await reportHealth({ lastDrills }, scope);
}

function incomplete(set: string, manifest: Manifest | undefined): string {
  return `the snapshot of set ${set} is incomplete: ${(manifest?.failures ?? []).map(({ error }) => error).join('; ')}`;
}

/** `davit health`: throws unless the daemon runs, its last run was good and no restore ended half-way, and the next run is not overdue. */
export async function health(now: Date, read?: () => Promise<string>): Promise<HealthState> {
  const state = await readState(read).catch((cause: unknown) => {
    throw new DavitError({ where: 'health', what: 'the daemon has not started yet', seen: messageOf(cause) }, { cause });
  });
  const isSettling = now.getTime() - Date.parse(state.startedAt) < settlingMs;
  const counts: Counts = (since) => !isSettling || since > state.startedAt;
  await refuseKilled(state, counts, read);
  const failure = firstFailure(state.lastRuns, counts);
  if (failure !== undefined)
    throw new DavitError({
      where: 'health',
      what: 'the last backup was not good',
      seen: failure,
      fix: 'mend it and run `davit backup`, or wait for the next run',
    });
  const drill = firstFailure(state.lastDrills, counts);
  if (drill !== undefined)
    throw new DavitError({
      where: 'health',
      what: 'the last drill could not restore everything',
      seen: drill,
      fix: 'mend it and run `davit backup`, then `davit drill`',
    });
  if (typeof state.nextRunAt === 'string' && now.getTime() - Date.parse(state.nextRunAt) > graceMs) {
    throw new DavitError({
      where: 'health',
      what: 'a backup is overdue',
      seen: `it should have started at ${state.nextRunAt}`,
      fix: 'look at the log of this container',
    });
  }
  return state;
}

/** Whether what is wrong since then is told. */
type Counts = (since: string) => boolean;

/** What was begun and is not under way any more was killed. It is looked at twice, since it may end in between. */
async function refuseKilled(before: HealthState, counts: Counts, read?: () => Promise<string>): Promise<void> {
  const { stack } = before.halfRestored ?? before.underWay ?? {};
  if (stack === undefined || (await isHeld(stack))) return;
  const { halfRestored, underWay } = await readState(read);
  if (halfRestored !== undefined && counts(halfRestored.since))
    throw new DavitError({ where: 'health', what: 'what a restore has left is not to be relied on', seen: halfRestored.error });
  if (underWay !== undefined && underWay.since === before.underWay?.since)
    throw new DavitError({
      where: 'health',
      what: 'the last backup was killed',
      seen: `it began at ${underWay.since}`,
      fix: 'run `davit backup`, or wait for the next run',
    });
}

function firstFailure(ends: Readonly<Record<string, z.infer<typeof ended>>> = {}, counts: Counts): string | undefined {
  return Object.values(ends).find(({ failed, endedAt }) => failed !== undefined && counts(endedAt))?.failed;
}

export function describeHealth({ nextRunAt }: HealthState): string {
  return `ok, next run ${nextRunAt ?? 'never'}`;
}
