import { DavitError } from '../model/errors.ts';
import { type Artifact, artifactId, type Table } from '../model/snapshot.ts';

/** Clients exit with 0 on half a restore, so only the contents count: every table of the dump, with every row. */
export function compare(artifact: Artifact, now: readonly Table[]): void {
  const found = new Map(now.map(({ name, rows }) => [name, rows]));
  const wrong = (artifact.tables ?? []).flatMap(({ name, rows }) => {
    if (rows === undefined) return [];
    if (!found.has(name)) return [`table ${name} is missing`];
    return found.get(name) === rows ? [] : [`table ${name} has ${found.get(name)} rows instead of ${rows}`];
  });
  if (wrong.length === 0) return;
  throw new DavitError({
    where: artifactId(artifact),
    what: 'the restored database is not what the snapshot holds',
    seen: `${wrong.slice(0, 5).join('; ')}${wrong.length > 5 ? ` and ${wrong.length - 5} more` : ''}`,
    fix: 'make sure that nothing writes to the database during the restore, and run it again; the safety snapshot has the state from before',
  });
}
