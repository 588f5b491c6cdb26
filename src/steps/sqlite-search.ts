import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DavitError, messageOf } from '../model/errors.ts';
import type { SnapshotWriter } from '../repository/repository.ts';
import { companions, isDatabase, usesWal } from '../sqlite/files.ts';
import { baseOf, createMatcher } from './selection.ts';
import { captureDatabase, type Captured, databaseName } from './sqlite.ts';
import { isInside } from './places.ts';

interface Scope {
  readonly root: string;
  readonly path: string;
  readonly sqlite: 'auto' | 'none' | readonly string[];
}

export interface Findings {
  /** Relative to the tree; the empty path is the tree itself, where that is one file. */
  readonly databases: readonly string[];
  readonly warnings: readonly string[];
}

/** Sees the files of a tree one by one, and tells which of them are SQLite databases that are wanted. */
export function createSearch({ root, path, sqlite }: Scope): { isOn: boolean; see(relative: string): void; conclude(): Findings } {
  const globs = sqlite === 'auto' || sqlite === 'none' ? [] : sqlite;
  const isWanted = sqlite === 'auto' ? (): boolean => true : createMatcher(globs);
  const databases: string[] = [];
  const illegible: string[] = [];
  return {
    isOn: sqlite !== 'none',
    see(relative) {
      if (!isWanted(join(path, relative))) return;
      const found = isDatabase(join(root, relative));
      if (found === true) databases.push(relative);
      // Node shows a name that is not UTF-8 in a form that cannot be opened.
      else if (found === undefined && relative.includes('\uFFFD')) illegible.push(relative);
    },
    conclude() {
      const paths = databases.map((relative) => join(path, relative));
      const idle = globs.filter((glob) => isInside(baseOf(glob), path) && !paths.some(createMatcher([glob])));
      const warnings = idle.map((glob) => `davit.sqlite: ${glob} matches no SQLite database`);
      if (illegible.length > 0)
        warnings.push(`${illegible.length} names are not UTF-8, such as ${illegible[0]}: archived, but not searched for SQLite databases`);
      return { databases, warnings };
    },
  };
}

export interface CapturedDatabases {
  readonly databases: Captured[];
  readonly failures: { source: string; error: string }[];
  readonly warnings: string[];
  /** What the tar leaves out, because it is stored better. */
  readonly live: string[];
}

/** Stores a safe copy of every database. One that fails does not keep the others from it, and stays in the tree as it lies there, like one that SQLite cannot read. */
export async function captureDatabases(
  writer: SnapshotWriter,
  job: Scope & { readonly artifact: { readonly service: string }; readonly scratch: string },
  isFolder: boolean,
  findings: Findings,
  signal: AbortSignal,
): Promise<CapturedDatabases> {
  const result: CapturedDatabases = { databases: [], failures: [], warnings: [...findings.warnings], live: [] };
  for (const relative of findings.databases) {
    const path = join(job.path, relative);
    const file = join(job.root, relative);
    try {
      if (!isFolder && usesWal(file)) throw withoutLog(path);
      const captured = await captureDatabase(writer, { file, path, service: job.artifact.service, scratch: job.scratch }, signal);
      if ('unreadable' in captured) {
        result.warnings.push(
          `${relative || path}: begins like a SQLite database, but SQLite cannot read it (${captured.unreadable}); it is archived as it lies there, which may be torn unless davit.quiesce=stop`,
        );
        continue;
      }
      result.databases.push(captured);
      result.live.push(...withCompanions(relative));
    } catch (error) {
      signal.throwIfAborted();
      if (existsSync(file)) result.failures.push({ source: databaseName(path), error: messageOf(error) });
      else result.warnings.push(`${relative}: vanished before it was read`);
    }
  }
  return result;
}

/** Stores none of them, and leaves them out of the tree. */
export function leaveDatabases({ databases }: Findings): CapturedDatabases {
  return { databases: [], failures: [], warnings: [], live: databases.flatMap(withCompanions) };
}

function withCompanions(relative: string): string[] {
  return [relative, ...companions.map((suffix) => `${relative}${suffix}`)];
}

function withoutLog(path: string): DavitError {
  return new DavitError({
    where: path,
    what: "this SQLite database is mounted as a single file, so its write-ahead log with the latest rows lies in the container's own layer, where it is lost with the container",
    fix: 'mount the folder that holds it, or label davit.sqlite=none to archive the file as it is',
  });
}
