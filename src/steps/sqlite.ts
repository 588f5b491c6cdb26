import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, chown, lstat, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { DavitError, messageOf } from '../model/errors.ts';
import { type Artifact, artifactSchema, keySegment } from '../model/snapshot.ts';
import type { SnapshotWriter } from '../repository/repository.ts';
import { copySafely } from '../sqlite/copy.ts';
import { companions } from '../sqlite/files.ts';
import type { Outcome } from '../sqlite/outcome.ts';

/** What the one who holds the volume knows of the artifact that a database became. */
export const capturedSchema = artifactSchema.omit({ service: true, mount: true, image: true, imageDigest: true });
export type Captured = z.infer<typeof capturedSchema>;

/** `sqlite/data/vault.db`, or a hash of the path where that is too long for a file name. */
export function databaseName(path: string): string {
  const segments = path.split('/').map((segment) => keySegment(segment).length);
  const fits = Math.max(...segments) <= 180 && segments.reduce((sum, length) => sum + length + 1, 0) <= 600;
  return `sqlite${fits ? path : `/${createHash('sha256').update(path).digest('hex').slice(0, 16)}`}`;
}

/** Stores a safe copy of one database, unless SQLite itself cannot read it. */
export async function captureDatabase(
  writer: SnapshotWriter,
  { file, path, service, scratch }: { file: string; path: string; service: string; scratch: string },
  signal: AbortSignal,
): Promise<Captured | { readonly unreadable: string }> {
  const startedAt = new Date();
  // A run that was killed may have left a copy.
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const copy = join(scratch, 'copy.sqlite');
  try {
    const { uid, gid, mode, mtimeMs, size } = await lstat(file);
    const outcome = await copySafely(file, copy, size, signal);
    if (outcome.outcome === 'unreadable') return { unreadable: outcome.reason };
    if (outcome.outcome !== 'copied') throw refusal(path, outcome, scratch);
    const { integrity, details, tables, warnings, sqlite } = outcome;
    const name = databaseName(path);
    const stored = await writer.put({ service, name, extension: 'sqlite' }, createReadStream(copy, { highWaterMark: 1024 * 1024 }), signal);
    return {
      ...stored,
      name,
      kind: 'sqlite',
      engine: 'sqlite',
      extension: 'sqlite',
      path,
      attributes: { uid, gid, mode: (mode & 0o7777).toString(8).padStart(3, '0'), mtime: new Date(mtimeMs).toISOString() },
      details: { ...details, integrity },
      tool: `SQLite ${sqlite}`,
      tables,
      startedAt: startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      ...(warnings.length > 0 ? { warnings } : {}),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch(() => undefined);
  }
}

function refusal(path: string, { outcome, reason }: Exclude<Outcome, { outcome: 'copied' | 'unreadable' }>, scratch: string): DavitError {
  const said = {
    locked: { what: 'the SQLite database stayed locked by its app', fix: 'stop the app meanwhile with davit.quiesce=stop' },
    changing: { what: 'the SQLite database could not be copied in one moment', fix: 'stop the app meanwhile with davit.quiesce=stop' },
    full: {
      what: `there is no space for a safe copy of the SQLite database in ${scratch}`,
      fix: 'free space where Docker keeps its volumes and containers',
    },
  };
  return new DavitError({ where: path, ...said[outcome], seen: reason });
}

/**
 * Puts a database into its place below `root` with its owner, mode and time, and takes away the log and the journal of the one that was there: SQLite would
 * replay them over it. A file that is mounted by itself cannot be replaced, so it is overwritten.
 */
export async function placeDatabase(source: Readable, root: string, file: string, { attributes }: Artifact): Promise<void> {
  const isMountedItself = file === root;
  const folder = dirname(file);
  if (!isMountedItself) await makeFolders(root, folder, attributes);
  const before = await stat(folder);
  const target = isMountedItself ? file : join(folder, `.davit-${randomBytes(6).toString('hex')}`);
  try {
    await pipeline(source, createWriteStream(target, isMountedItself ? { flags: 'w' } : { flags: 'wx', mode: 0o600 }));
    if (attributes !== undefined) {
      const { uid, gid, mode, mtime } = attributes;
      await chown(target, uid, gid);
      await chmod(target, Number.parseInt(mode, 8));
      await utimes(target, new Date(mtime), new Date(mtime));
    }
    if (isMountedItself) return;
    const { atime, mtime } = before;
    await removeCompanions(file);
    await rename(target, file);
    await utimes(folder, atime, mtime);
  } catch (error) {
    if (!isMountedItself) await rm(target, { force: true });
    throw new DavitError({ where: file, what: 'the SQLite database could not be put back', seen: messageOf(error) }, { cause: error });
  }
}

export async function removeCompanions(file: string): Promise<void> {
  for (const suffix of companions) await rm(`${file}${suffix}`, { force: true });
}

/** A folder that is missing is made for the owner of the database, who has to write beside it. No link is followed: it could lead out of the tree. */
async function makeFolders(root: string, folder: string, owner: Artifact['attributes']): Promise<void> {
  await mkdir(root, { recursive: true });
  let made = root;
  for (const segment of relative(root, folder).split('/').filter(Boolean)) {
    made = join(made, segment);
    const found = await lstat(made).catch(() => undefined);
    if (found?.isDirectory() === false)
      throw new DavitError({ where: made, what: 'is no folder, but was one when the SQLite database in it was stored', fix: 'remove it' });
    if (found !== undefined) continue;
    await mkdir(made);
    if (owner !== undefined) await chown(made, owner.uid, owner.gid);
  }
}
