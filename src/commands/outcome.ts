import { DavitError, type ExitCode, exitCodes, messageOf } from '../model/errors.ts';
import type { BackupOutcome } from './backup.ts';
import { describeSnapshot } from './snapshots.ts';

/** 0 all complete · 3 something incomplete was stored, or something older could not be removed · 2 nothing, because the configuration is wrong · 1 nothing usable was stored. */
export function exitCodeOf(outcomes: readonly BackupOutcome[]): ExitCode {
  if (outcomes.every(({ manifest, error }) => manifest?.status === 'complete' && error === undefined)) return exitCodes.ok;
  if (outcomes.some(({ manifest }) => manifest !== undefined)) return exitCodes.partial;
  return outcomes.every(({ error }) => error instanceof DavitError && error.exitCode === exitCodes.configuration)
    ? exitCodes.configuration
    : exitCodes.failed;
}

/** For programs. */
export function plainOutcome({ set, manifest, error }: BackupOutcome): object {
  return { set, manifest, ...(error === undefined ? {} : { error: messageOf(error) }) };
}

export function describeOutcome({ set, manifest, error }: BackupOutcome): string {
  if (manifest === undefined) return `set ${set}: nothing stored — ${messageOf(error)}`;
  return [describeSnapshot(manifest), ...(error === undefined ? [] : [messageOf(error)])].join('\n');
}
