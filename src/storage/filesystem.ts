import { createHash, randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { open, opendir, rename, rmdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { giveBack } from '../model/chunk.ts';
import { DavitError, hasCode } from '../model/errors.ts';
import type { Digest } from '../model/snapshot.ts';
import { chunksOf } from './chunks.ts';
import { fileError } from './filesystem-errors.ts';
import { createFile, type Owner } from './owner.ts';
import { MissingObject, type PutResult, type Storage, type StoredObject } from './storage.ts';
import { Whole } from './whole.ts';

const chunkBytes = 1024 * 1024;
const wholeChunkBytes = 4 * chunkBytes;

/** A file appears under its own name only when it is whole and on the disk; until then it is `.<name>.<random>.part` beside it. */
const unfinished = /^\.(.+)\.[0-9a-f]{12}\.part$/;

export function createFilesystemStorage(directory: string, owner?: Owner): Storage {
  const root = resolve(directory);
  const location = `file://${root}`;

  function pathOf(key: string): string {
    const isSafe = key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('\0'));
    if (!isSafe || unfinished.test(basename(key))) throw new DavitError({ where: location, what: 'not a usable key', seen: key });
    return join(root, key);
  }

  async function put(key: string, data: Readable, signal?: AbortSignal): Promise<PutResult> {
    const path = pathOf(key);
    const partial = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
    try {
      const file = await createFile(partial, owner);
      const digest = await closing(file, async () => {
        if (owner !== undefined) await file.chown(owner.uid, owner.gid);
        return fill(file, data, signal);
      });
      const { size } = await stat(partial);
      if (size !== digest.bytes)
        throw new DavitError({ where: path, what: `has ${size} bytes after ${digest.bytes} were written`, fix: 'check the disk' });
      signal?.throwIfAborted();
      await rename(partial, path);
      // The folders may be new as well, and a name survives a crash only when its folder is on the disk.
      for (let folder = dirname(path); folder.startsWith(root); folder = dirname(folder)) {
        await sync(folder);
        if (folder === root) break;
      }
      return { ...digest, proven: false };
    } catch (error) {
      data.destroy();
      await unlink(partial).catch(() => undefined);
      await prune(dirname(path), root);
      throw fileError(error, path);
    }
  }

  async function get(key: string, signal?: AbortSignal): Promise<Readable> {
    const path = pathOf(key);
    const file = await open(path).catch((error: unknown) => {
      throw hasCode(error, 'ENOENT') ? new MissingObject({ where: path, what: 'does not exist' }) : fileError(error, path);
    });
    return Readable.from(readWhole(file, path), { objectMode: false, highWaterMark: chunkBytes, ...(signal ? { signal } : {}) });
  }

  async function* list(prefix: string): AsyncGenerator<StoredObject> {
    for await (const { path, stats } of walk(join(root, prefix))) {
      if (!unfinished.test(basename(path))) yield { key: relative(root, path), bytes: stats.size, modifiedAt: stats.mtime };
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    const folders = new Set<string>();
    for (const path of keys.map(pathOf)) {
      await unlink(path).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw fileError(error, path);
      });
      folders.add(dirname(path));
    }
    for (const folder of folders) await prune(folder, root);
  }

  async function sweep(prefix: string, isDead: (key: string, startedAt: Date) => boolean): Promise<number> {
    let swept = 0;
    for await (const { path, stats } of walk(join(root, prefix))) {
      const name = unfinished.exec(basename(path))?.[1];
      // Not every file system knows when a file was made; what is written to lives.
      if (name === undefined || !isDead(join(dirname(relative(root, path)), name), stats.mtime)) continue;
      await unlink(path).catch(() => undefined);
      await prune(dirname(path), root);
      swept++;
    }
    return swept;
  }

  return { location, local: true, put, get, list, remove, sweep };
}

async function fill(file: FileHandle, data: Readable, signal: AbortSignal | undefined): Promise<Digest> {
  if (data instanceof Whole) return fillWhole(file, data, signal);
  const hash = createHash('sha256');
  let bytes = 0;
  async function* measure() {
    for await (const chunk of chunksOf(data, signal)) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
      giveBack(chunk);
    }
  }
  await file.writeFile(measure());
  await file.sync();
  return { bytes, sha256: hash.digest('hex') };
}

async function fillWhole(file: FileHandle, { bytes, sha256 }: Whole, signal: AbortSignal | undefined): Promise<Digest> {
  for (let at = 0; at < bytes.length;) {
    signal?.throwIfAborted();
    at += (await file.write(bytes, at, Math.min(wholeChunkBytes, bytes.length - at))).bytesWritten;
  }
  await file.sync();
  return { bytes: bytes.length, sha256 };
}

async function* readWhole(file: FileHandle, path: string): AsyncGenerator<Buffer> {
  try {
    const { size } = await file.stat();
    let bytes = 0;
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: chunkBytes }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
    if (bytes !== size) throw new DavitError({ where: path, what: `ended after ${bytes} of ${size} bytes` });
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file.close();
  }
}

/** Files below a folder; what vanishes meanwhile is not there. */
async function* walk(folder: string): AsyncGenerator<{ path: string; stats: Stats }> {
  const entries = await opendir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw fileError(error, folder);
  });
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) {
      const stats = await stat(path).catch((error: unknown) => {
        if (hasCode(error, 'ENOENT')) return undefined;
        throw fileError(error, path);
      });
      if (stats) yield { path, stats };
    }
  }
}

/** Removes a folder and its parents up to the root where they are empty; what stays is synced, so that a removal survives a crash. */
async function prune(folder: string, root: string): Promise<void> {
  if (
    folder !== root &&
    (await rmdir(folder).then(
      () => true,
      (error: unknown) => hasCode(error, 'ENOENT'),
    ))
  )
    return prune(dirname(folder), root);
  await sync(folder).catch(() => undefined);
}

/** Some file systems can do that for files only. */
export async function sync(folder: string): Promise<void> {
  const handle = await open(folder);
  await closing(handle, () => handle.sync()).catch((error: unknown) => {
    if (!hasCode(error, 'EINVAL', 'ENOTSUP')) throw error;
  });
}

async function closing<T>(file: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await file.close();
  }
}
