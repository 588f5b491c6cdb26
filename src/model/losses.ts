import { type Artifact, artifactId, type Failure, type Manifest } from './snapshot.ts';

const mebibyte = 1024 ** 2;
/** A part smaller than this is no loss to speak of. */
const noteworthy = { bytes: mebibyte, rows: 100 };

/**
 * What a new snapshot has much less of than the last good one. A dump that shrank may be the right copy of a database that lost its content, so it is
 * a warning: only a person can tell.
 */
export function losses(
  before: Pick<Manifest, 'id' | 'artifacts'> | undefined,
  artifacts: readonly Artifact[],
  failures: readonly Failure[],
): string[] {
  if (before === undefined) return [];
  const failed = new Set(failures.map(({ service }) => service));
  return before.artifacts.flatMap((old) => {
    const name = artifactId(old);
    const now = artifacts.find((artifact) => artifactId(artifact) === name);
    if (now === undefined) return failed.has(old.service) ? [] : [`${name}: was in ${before.id} and is in this snapshot no more`];
    const lost = [
      ...(shrank(old.plain.bytes, now.plain.bytes, noteworthy.bytes) ? [`${inMebibytes(now)} instead of ${inMebibytes(old)} MiB`] : []),
      ...(shrank(rows(old), rows(now), noteworthy.rows) ? [`${rows(now)} instead of ${rows(old)} rows`] : []),
    ];
    return lost.length === 0 ? [] : [`${name}: shrank since ${before.id}: ${lost.join(', ')}`];
  });
}

/** To less than half, and by more than can be nothing. */
function shrank(before: number, now: number, least: number): boolean {
  return now < before / 2 && before - now > least;
}

function rows({ tables = [] }: Artifact): number {
  return tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
}

function inMebibytes({ plain }: Artifact): string {
  return (plain.bytes / mebibyte).toFixed(1);
}
