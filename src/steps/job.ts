import { lstat, opendir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { AbsentPath, DavitError } from '../model/errors.ts';
import { makeFolders } from '../model/folders.ts';
import { type Artifact, artifactSchema, manifestSchema, storedSchema } from '../model/snapshot.ts';
import type { Repository } from '../repository/repository.ts';
import { isDatabase } from '../sqlite/files.ts';
import { exclusions, holdsAnything } from './selection.ts';
import { captureDatabases, createSearch, leaveDatabases } from './sqlite-search.ts';
import { capturedSchema, placeDatabase, removeCompanions } from './sqlite.ts';

/** The part of a run that happens where the files are: in this process when the volume is mounted here, otherwise in a worker. */

const globs = { include: z.array(z.string()), exclude: z.array(z.string()) };

const capture = z.object({
  kind: z.literal('capture'),
  address: z.object({ stack: z.string(), set: z.string(), id: z.string(), storage: z.string().optional() }),
  artifact: z.object({ service: z.string(), name: z.string(), extension: z.string() }),
  /** Where the tree is in the file system of whoever does the job, and where it is in its own container. */
  root: z.string(),
  path: z.string(),
  sqlite: z.union([z.enum(['auto', 'none']), z.array(z.string())]),
  /** A folder for the copy of one SQLite database at a time; made and removed again. */
  scratch: z.string(),
  /** Only the tree, and nothing that its app has open: the same follows when the app stands still. */
  ahead: z.boolean().optional(),
  /** What came of that. */
  since: z.object({ stored: storedSchema, startedAt: z.string() }).optional(),
  ...globs,
});
export type Capture = z.infer<typeof capture>;

const extract = z.object({
  kind: z.literal('extract'),
  manifest: manifestSchema,
  /** The tree; without it, only databases are put back into what is there. */
  artifact: artifactSchema.optional(),
  /** SQLite databases that belong below `path`. */
  databases: z.array(artifactSchema),
  root: z.string(),
  path: z.string(),
  /** Only this file or folder, relative to the tree. */
  only: z.string().optional(),
  ...globs,
});
export type Extract = z.infer<typeof extract>;

const drill = z.object({
  kind: z.literal('drill'),
  manifest: manifestSchema,
  artifact: artifactSchema.optional(),
  databases: z.array(artifactSchema),
  /** An empty place that goes with the worker. */
  root: z.string(),
  path: z.string(),
  scratch: z.string(),
});
export type DrillJob = z.infer<typeof drill>;

export const jobSchema = z.discriminatedUnion('kind', [capture, extract, drill]);
export type Job = z.infer<typeof jobSchema>;

export const captureResult = z.object({
  /** None where all of it is one SQLite database. */
  tree: storedSchema.optional(),
  databases: z.array(capturedSchema),
  failures: z.array(z.object({ source: z.string(), error: z.string() })),
  warnings: z.array(z.string()),
});
export type CaptureResult = z.infer<typeof captureResult>;

/** Databases before files, here as in the whole run: a file that no row names yet is only an orphan. */
export async function captureTree(repository: Repository, job: Capture, signal: AbortSignal): Promise<CaptureResult> {
  await using writer = await repository.begin(job.address);
  const search = createSearch(job);
  const isFolder = await isDirectory(job);
  const exclude = isFolder ? await exclusions(job.root, job.path, job, search.isOn ? search.see : undefined) : [];
  if (!isFolder) search.see('');
  const findings = search.conclude();
  const { live, warnings, ...captured } =
    job.ahead === true ? leaveDatabases(findings) : await captureDatabases(writer, job, isFolder, findings, signal);
  if (live.includes('')) return { ...captured, warnings };
  const { root, since } = job;
  const tree = isFolder ? { root, since, exclude: [...exclude, ...live] } : { root, since, exclude: [], file: basename(job.path) };
  const { warnings: said, ...stored } = await writer.putTree(job.artifact, tree, signal);
  const empty = isFolder && !(await holdsAnything(root, new Set(exclude))) ? [emptiness(job)] : [];
  return { ...captured, tree: stored, warnings: [...warnings, ...empty, ...said] };
}

/** An app that has lost its files looks like this, and so does a glob with a typing error. */
function emptiness({ include, exclude }: Capture): string {
  return include.length + exclude.length === 0
    ? 'is empty: it holds no file'
    : 'is empty: it holds no file that davit.files.include and davit.files.exclude leave';
}

async function isDirectory({ root, path }: Capture): Promise<boolean> {
  const found = await stat(root).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    throw new AbsentPath({ where: path, what: 'does not exist in its volume', fix: 'correct davit.files, or let the app make it' });
  });
  return found.isDirectory();
}

/** Makes the tree what the snapshot holds: what was in its scope goes, what was left out of the snapshot stays. */
export async function extractTree(repository: Repository, job: Extract, signal: AbortSignal): Promise<void> {
  if (job.artifact !== undefined) await unpack(repository, job, job.artifact, signal);
  for (const database of job.databases) {
    const file = join(job.root, relative(job.path, database.path ?? ''));
    await placeDatabase(await repository.read(job.manifest, database, signal), job.root, file, database);
  }
}

async function unpack(repository: Repository, job: Extract, artifact: Artifact, signal: AbortSignal): Promise<void> {
  const { manifest, root, only } = job;
  const isFile = await repository.isFile(manifest, artifact, signal);
  const there = await stat(root).catch(() => undefined);
  if (there === undefined && isFile) {
    await makeFolders(dirname(root));
    return repository.extract(manifest, artifact, dirname(root), basename(root), signal);
  }
  if (there === undefined) await makeFolders(root);
  const isFolder = there?.isDirectory() ?? true;
  if (isFolder === isFile) throw mismatch(job.path, isFile);
  if (isFolder && only === undefined) await clear(root, await exclusions(root, job.path, job));
  else if (isFolder && only !== undefined) await clearPart(job, only);
  await repository.extract(manifest, artifact, root, isFolder ? only : undefined, signal);
  if (!isFolder || only === undefined || isDatabase(join(root, only)) !== true) return;
  // A SQLite database that was archived as it lay there: its log is a part of it, and that of another moment would spoil it.
  await removeCompanions(join(root, only));
  for (const suffix of ['-wal', '-journal'])
    await repository.extract(manifest, artifact, root, `${only}${suffix}`, signal).catch((error: unknown) => {
      if (!(error instanceof AbsentPath)) throw error;
    });
}

/** Docker makes a folder where the file of a bind mount is missing. */
function mismatch(path: string, isFile: boolean): DavitError {
  const [here, stored] = isFile ? ['folder', 'file'] : ['file', 'folder'];
  return new DavitError({
    where: path,
    what: `is a ${here} here, and a ${stored} in the snapshot`,
    fix: `put an empty ${stored} into its place on the host, and restore again`,
  });
}

/** Like the whole tree, a folder of it keeps what was left out of the snapshot. */
async function clearPart(job: Extract, only: string): Promise<void> {
  const root = join(job.root, only);
  const isFolder = (await lstat(root).catch(() => undefined))?.isDirectory() === true;
  const keep = isFolder ? await exclusions(root, join(job.path, only), job) : [];
  if (keep.length === 0) await rm(root, { recursive: true, force: true });
  else await clear(root, keep);
}

async function clear(root: string, keep: readonly string[]): Promise<void> {
  // Every byte of a name is a character of it: not all names are text.
  for await (const entry of await opendir(root, { encoding: 'latin1' })) {
    const bytes = Buffer.from(entry.name, 'latin1');
    const name = bytes.toString();
    const below = keep.filter((path) => path === name || path.startsWith(`${name}/`));
    if (below.length === 0) await rm(Buffer.concat([Buffer.from(`${root}/`), bytes]), { recursive: true, force: true });
    else if (!below.includes(name))
      await clear(
        join(root, name),
        below.map((path) => path.slice(name.length + 1)),
      );
  }
}
