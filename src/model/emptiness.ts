import type { Artifact, Failure } from './snapshot.ts';

/** Servers that have nothing to bring back but accounts: where an app has lost its data, or a set-up never ended, everything else looks well. */
export function emptyServers(artifacts: readonly Artifact[], failures: readonly Failure[]): string[] {
  const ofServers = artifacts.filter(({ kind }) => kind === 'database' || kind === 'accounts');
  return [...Map.groupBy(ofServers, ({ service }) => service)]
    .filter(([service, own]) => own.every(isEmpty) && !failures.some((failure) => failure.service === service))
    .map(([service]) => `${service}: the server is empty, no database of it holds a table`);
}

function isEmpty({ kind, tables }: Artifact): boolean {
  return kind === 'accounts' || tables?.length === 0;
}
