import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { DavitError } from '../../model/errors.ts';
import { MissingObject, type Storage, type StoredObject } from '../../storage/storage.ts';
import { Whole } from '../../storage/whole.ts';
import { release } from './memory.ts';
import { type Seal, sha256, unseal } from './crypto.ts';

/** Stores an object and makes sure that it is there as it was sent: what the storage does not prove is read back, unless that is not wanted. */
export async function putProven(
  storage: Storage,
  key: string,
  bytes: Buffer,
  hash: string,
  signal?: AbortSignal,
  readBack = true,
): Promise<void> {
  const result = await storage.put(key, new Whole(bytes, hash), signal);
  const seen = result.sha256 === hash && !result.proven && readBack ? await hashOf(storage, key, signal) : result.sha256;
  if (seen === hash) return;
  // Who may not delete leaves it to the next prune: no index names it.
  await storage.remove([key]).catch(() => undefined);
  throw new DavitError({
    where: `${storage.location}/${key}`,
    what: 'holds other bytes than were stored',
    fix: 'check the storage, then run again',
  });
}

async function hashOf(storage: Storage, key: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of (await storage.get(key, signal)) as AsyncIterable<Buffer>) {
    hash.update(piece);
    release(piece);
  }
  return hash.digest('hex');
}

export async function getWhole(storage: Storage, key: string, signal?: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of (await storage.get(key, signal)) as AsyncIterable<Buffer>) pieces.push(piece);
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const whole = Buffer.concat(pieces);
  pieces.forEach(release);
  return whole;
}

/** Undefined: it is not there, or not any more. */
export async function getIfThere(storage: Storage, key: string): Promise<Buffer | undefined> {
  try {
    return await getWhole(storage, key);
  } catch (error) {
    if (error instanceof MissingObject) return undefined;
    throw error;
  }
}

/** A whole object, in this memory if there is room. */
export async function getInto(storage: Storage, key: string, memory: Buffer, signal?: AbortSignal): Promise<Buffer> {
  let target = memory;
  let used = 0;
  for await (const piece of (await storage.get(key, signal)) as AsyncIterable<Buffer>) {
    if (used + piece.length > target.length) {
      const larger = Buffer.allocUnsafeSlow(used + 2 * piece.length);
      target.copy(larger, 0, 0, used);
      target = larger;
    }
    used += piece.copy(target, used);
    release(piece);
  }
  return target.subarray(0, used);
}

/** Indexes, snapshots and locks: JSON, compressed, sealed, and called by the hash of that. */
export function putJson(storage: Storage, seal: Seal, kind: string, value: unknown, signal?: AbortSignal): Promise<string> {
  return putText(storage, seal, kind, JSON.stringify(value), signal);
}

export async function putText(storage: Storage, seal: Seal, kind: string, json: string, signal?: AbortSignal): Promise<string> {
  const bytes = seal.seal(Buffer.concat([Buffer.of(2), zstdCompressSync(Buffer.from(json))]));
  const id = sha256(bytes);
  await putProven(storage, `${kind}/${id}`, bytes, id, signal);
  return id;
}

export async function getJson(storage: Storage, seal: Seal, key: string, fix?: string): Promise<unknown> {
  return openJson(storage, seal, key, await getWhole(storage, key), fix);
}

/** The same of what has been read: it fails only where that is damaged. */
export function openJson({ location }: Storage, seal: Seal, key: string, sealed: Buffer, fix?: string): unknown {
  const plain = unseal(seal, `${location}/${key}`, sealed, fix);
  return JSON.parse((plain[0] === 2 ? zstdDecompressSync(plain.subarray(1)) : plain).toString());
}

const idPattern = /^[0-9a-f]{64}$/;

/** The files of a folder that are called by a hash. Others are no part of a repository: what a killed restic has left half-made, or a file manager has put there. */
export async function* listFiles(storage: Storage, folder: string): AsyncGenerator<StoredObject> {
  for await (const object of storage.list(folder)) if (idPattern.test(idOf(object.key))) yield object;
}

export function idOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
