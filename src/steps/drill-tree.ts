import { mkdir, opendir, rm, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Drilled, Proof } from '../model/drill.ts';
import { DavitError } from '../model/errors.ts';
import type { Artifact } from '../model/snapshot.ts';
import type { Repository } from '../repository/repository.ts';
import { copySafely } from '../sqlite/copy.ts';
import { compare } from './compare.ts';
import { countRows, explainFailure, tried } from './drilled.ts';
import type { DrillJob } from './job.ts';
import { placeDatabase } from './sqlite.ts';

/** What a worker does in a drill: it unpacks a tree where nobody keeps it, compares every entry with what is stored, and asks each SQLite database for its contents. */
export async function drillTree(repository: Repository, job: DrillJob, signal: AbortSignal): Promise<Drilled[]> {
  const { manifest, artifact: tree, databases, root, path } = job;
  const explain = (error: unknown): string => explainFailure(error).replaceAll(root, path);
  const results: Drilled[] = [];
  await mkdir(root, { recursive: true });
  if (tree !== undefined)
    results.push(
      await tried(
        tree,
        'unpacked',
        signal,
        async () => {
          await repository.extract(manifest, tree, root, undefined, signal);
          await repository.compare(manifest, tree, root, signal);
          return { entries: await countEntries(root) };
        },
        explain,
      ),
    );
  for (const database of databases)
    results.push(await tried(database, 'restored', signal, () => drillDatabase(repository, job, database, signal), explain));
  return results;
}

async function countEntries(root: string): Promise<number> {
  let entries = 0;
  for await (const _ of await opendir(root, { recursive: true })) entries += 1;
  return entries;
}

/** SQLite itself reads what was put back, as it did when it was saved. */
async function drillDatabase(repository: Repository, job: DrillJob, database: Artifact, signal: AbortSignal): Promise<Proof> {
  const { manifest, root, path, scratch } = job;
  const below = relative(path, database.path ?? '');
  const file = join(root, below === '' ? basename(path) : below);
  await placeDatabase(await repository.read(manifest, database, signal), root, file, database);
  await mkdir(scratch, { recursive: true });
  try {
    const outcome = await copySafely(file, join(scratch, 'copy.sqlite'), (await stat(file)).size, signal);
    if (outcome.outcome !== 'copied')
      throw new DavitError({ where: database.path ?? '', what: 'the SQLite database cannot be read back', seen: outcome.reason });
    const { integrity, tables } = outcome;
    if (integrity !== (database.details?.['integrity'] ?? 'ok'))
      throw new DavitError({
        where: database.path ?? '',
        what: "SQLite's integrity check says otherwise than at the backup",
        seen: integrity,
      });
    compare(database, tables);
    return countRows(database);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
