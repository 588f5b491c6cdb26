import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Log } from '../log.ts';
import { DavitError, messageOf } from '../model/errors.ts';
import type { BackupOutcome } from './backup.ts';

/** The daemon writes it, `davit health` in the same container reads it. */
const statePath = '/tmp/davit-health.json';
/** How late a run may be before its absence is an illness. */
const graceMs = 3_600_000;

const stateSchema = z.object({
  startedAt: z.string(),
  nextRunAt: z.string().nullish(),
  lastRun: z.object({ endedAt: z.string(), failed: z.array(z.string()) }).optional(),
});
export type HealthState = z.infer<typeof stateSchema>;

export async function reportHealth(news: Partial<HealthState>): Promise<void> {
  const before = await readFile(statePath, 'utf8')
    .then((text) => stateSchema.parse(JSON.parse(text)))
    .catch(() => undefined);
  await writeFile(`${statePath}.new`, JSON.stringify({ startedAt: new Date().toISOString(), ...before, ...news }));
  await rename(`${statePath}.new`, statePath);
}

/** Says in the log and to the health check how a run went. */
export async function reportRun(outcomes: readonly BackupOutcome[], log: Log): Promise<void> {
  const failed = outcomes.flatMap(({ set, manifest, error }) => {
    if (error !== undefined) return [messageOf(error)];
    return manifest?.status === 'complete'
      ? []
      : [`the snapshot of set ${set} is incomplete: ${(manifest?.failures ?? []).map((failure) => failure.error).join('; ')}`];
  });
  for (const error of failed) log.error({ error }, 'backup failed');
  await reportHealth({ lastRun: { endedAt: new Date().toISOString(), failed } });
}

/** `davit health`: throws unless the daemon runs, its last run was good, and the next one is not overdue. */
export async function health(now: Date, read: () => Promise<string> = () => readFile(statePath, 'utf8')): Promise<HealthState> {
  const state = await read()
    .then((text) => stateSchema.parse(JSON.parse(text)))
    .catch((cause: unknown) => {
      throw new DavitError({ where: 'health', what: 'the daemon has not started yet', seen: messageOf(cause) }, { cause });
    });
  const [failure] = state.lastRun?.failed ?? [];
  if (failure !== undefined)
    throw new DavitError({
      where: 'health',
      what: 'the last backup was not good',
      seen: failure,
      fix: 'mend it and run `davit backup`, or wait for the next run',
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
