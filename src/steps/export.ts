import { createWriteStream, existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Context } from '../context.ts';
import { advised, configurationError, DavitError, hasCode, messageOf } from '../model/errors.ts';
import { makeFolders } from '../model/folders.ts';
import { type Artifact, artifactId, keySegment, type Manifest } from '../model/snapshot.ts';
import { MissingObject } from '../storage/storage.ts';
import { partOf, treeAround } from './find.ts';
import { placeDatabase } from './sqlite.ts';

/** Writes artifacts into a folder instead of the stack: trees unpacked, with their SQLite databases in place; dumps as the plain files that the database's own client reads. */
export async function exportArtifacts(
  context: Context,
  manifest: Manifest,
  artifacts: readonly Artifact[],
  folder: string,
  path?: string,
): Promise<void> {
  await makeFolders(folder).catch((cause: unknown) => {
    throw configurationError({
      where: '--to',
      what: 'is no folder that can be written',
      seen: messageOf(cause),
      fix: 'name an empty or a new one',
    });
  });
  for (const artifact of artifacts.toSorted((a, b) => Number(a.kind === 'sqlite') - Number(b.kind === 'sqlite'))) {
    const target = placeIn(folder, manifest, artifact);
    await exportOne(artifact, target).catch((error: unknown) => {
      throw explained(error, target);
    });
    context.log.info({ artifact: artifactId(artifact), to: target }, 'restored');
  }

  async function exportOne(artifact: Artifact, target: string): Promise<void> {
    if (artifact.kind === 'files') await exportTree(context, manifest, artifact, target, path);
    else if (artifact.kind === 'sqlite') await exportDatabase(context, manifest, artifact, folder, target);
    else await exportFile(context, manifest, artifact, `${target}.${artifact.extension}`);
  }
}

/** What the file system refuses, for want of space or of rights; of what the storage says, only what to do is added. */
function explained(error: unknown, target: string): unknown {
  if (error instanceof MissingObject) return advised(error, 'check the storage, and restore from another snapshot (`davit list`)');
  const isFull = hasCode(error, 'ENOSPC', 'EDQUOT');
  if (!isFull && !hasCode(error, 'EROFS', 'EACCES', 'EPERM', 'EEXIST', 'ENOTDIR', 'ENAMETOOLONG', 'EFBIG')) return error;
  const [what, fix] = isFull
    ? ['the disk is full', 'free space there, and restore again into an empty folder']
    : ['cannot be written', 'name a new folder where Davit may write'];
  return new DavitError({ where: '--to', what, seen: `${target}: ${messageOf(error)}`, fix }, { cause: error });
}

/** A tree lies in the one around it, and a SQLite database in its tree, also when that is not there. */
function placeIn(folder: string, manifest: Manifest, artifact: Artifact): string {
  const around = treeAround(manifest.artifacts, artifact);
  if (around !== undefined) return join(placeIn(folder, manifest, around), relative(around.path ?? '/', artifact.path ?? '/'));
  const name = artifact.kind === 'sqlite' ? `files${artifact.path}` : artifact.name;
  return join(folder, keySegment(artifact.service), ...name.split('/').map(keySegment));
}

async function exportTree(
  context: Context,
  manifest: Manifest,
  artifact: Artifact,
  target: string,
  path: string | undefined,
): Promise<void> {
  if (!(await isMountPoint(target))) {
    await makeFolders(target);
    if ((await readdir(target)).length > 0)
      throw configurationError({ where: '--to', what: 'the folder is not empty', seen: target, fix: 'name an empty or a new one' });
  }
  await context.repository.extract(manifest, artifact, target, partOf(artifact, path), context.signal);
}

/** A file that is mounted into a tree is an empty one in the tree itself. */
async function isMountPoint(target: string): Promise<boolean> {
  const found = await stat(target).catch(() => undefined);
  return found?.isFile() === true && found.size === 0;
}

function requireAbsent(target: string): void {
  if (existsSync(target)) throw configurationError({ where: '--to', what: 'the file exists', seen: target, fix: 'name an empty folder' });
}

async function exportDatabase(context: Context, manifest: Manifest, artifact: Artifact, folder: string, target: string): Promise<void> {
  requireAbsent(target);
  await placeDatabase(await context.repository.read(manifest, artifact, context.signal), folder, target, artifact);
}

/** Never replaces a file. */
async function exportFile(context: Context, manifest: Manifest, artifact: Artifact, target: string): Promise<void> {
  requireAbsent(target);
  await makeFolders(dirname(target));
  const source = await context.repository.read(manifest, artifact, context.signal);
  await pipeline(source, createWriteStream(target, { flags: 'wx', mode: 0o600 }), { signal: context.signal });
}
