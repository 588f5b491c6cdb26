import { DavitError, exitCodes, messageOf } from '../model/errors.ts';
import type { Drilled, Proof } from '../model/drill.ts';
import { type Artifact, artifactId } from '../model/snapshot.ts';

/** Tries one artifact. What is wrong with it is a result, so that the others are tried as well; a stop of Davit ends everything. */
export async function tried(
  artifact: Artifact,
  how: Drilled['how'],
  signal: AbortSignal,
  trial: () => Promise<Proof>,
  explain: (error: unknown) => string = explainFailure,
): Promise<Drilled> {
  const start = performance.now();
  const result = (more: Proof | { error: string }): Drilled => ({
    artifact: artifactId(artifact),
    how,
    ms: Math.round(performance.now() - start),
    ...more,
  });
  try {
    return result(await trial());
  } catch (error) {
    signal.throwIfAborted();
    // A key that was not given says nothing about the snapshot.
    if (error instanceof DavitError && error.exitCode === exitCodes.configuration) throw error;
    return result({ error: explain(error) });
  }
}

/** The advice of a step is for a real restore; here nothing was lost yet. */
export function explainFailure(error: unknown): string {
  if (!(error instanceof DavitError)) return messageOf(error);
  const fix = 'do not rely on this artifact: mend the cause, run `davit backup`, and drill again';
  return new DavitError({ ...error.complaint, fix }).message;
}

export function countRows({ kind, tables }: Pick<Artifact, 'kind' | 'tables'>): Pick<Proof, 'tables' | 'rows'> {
  return tables === undefined || kind === 'accounts'
    ? {}
    : { tables: tables.length, rows: tables.reduce((sum, { rows = 0 }) => sum + rows, 0) };
}
