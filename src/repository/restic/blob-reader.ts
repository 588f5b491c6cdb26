import { DavitError, messageOf } from '../../model/errors.ts';
import { MissingObject } from '../../storage/storage.ts';
import type { BlobLocation } from './blob.ts';
import type { BlobIndex } from './blob-index.ts';
import { decompress } from './compression.ts';
import { type Seal, sealBytes, sha256, unseal } from './crypto.ts';
import { release } from './memory.ts';
import { getInto } from './objects.ts';
import type { Opened } from './open.ts';
import { packBytes, packKey } from './pack.ts';

/** Several threads pack at a time, so that a file goes through several packs at a time. Small ones are many: what changes a little every day lies in all of them. */
const keptBytes = 4 * packBytes;
/** A storage that is far away answers late, and one connection does not fill the line. */
const packsAhead = { near: 1, far: 3 };

export interface BlobReader {
  /** Fails unless the bytes are those that the id is the hash of. */
  read(id: string, signal?: AbortSignal): Promise<Buffer>;
  /** One after another; the packs of the next ones are fetched meanwhile. */
  readAll(ids: readonly string[], signal?: AbortSignal): AsyncGenerator<Buffer>;
  /** It will be read soon. False: its pack is not fetched yet, because enough others are. */
  expect(id: string): boolean;
}

/** A pack that is there or on its way. */
interface Fetched {
  readonly bytes: Promise<Buffer>;
  /** Of the memory that it takes. */
  readonly length: number;
  readers: number;
  /** Nobody has read it yet. */
  isAhead: boolean;
}

/** It is in no pack that is there. */
export class LostBlob extends DavitError {}

/**
 * Reads packs whole and keeps the last ones: what was written together is wanted together. Readers hold no lock: when somebody prunes meanwhile, `search`
 * learns where else the blobs are.
 */
export function createBlobReader(opened: Opened, index: BlobIndex, search: (isFound: () => boolean) => Promise<unknown>): BlobReader {
  const packs = new Map<string, Fetched>();
  const ahead = opened.storage.local ? packsAhead.near : packsAhead.far;
  /** Memory of packs that were read, for the next ones. */
  const spare: Buffer[] = [];
  let [held, waiting] = [0, 0];
  let searching: Promise<unknown> = Promise.resolve();

  function fetch(id: string, signal?: AbortSignal): Fetched {
    const length = index.packBytes(id) ?? 0;
    const used = spare.pop();
    const memory = used !== undefined && used.length >= length && used.length <= 2 * length ? used : Buffer.allocUnsafeSlow(length);
    held += memory.length;
    waiting++;
    return { bytes: getInto(opened.storage, packKey(id), memory, signal), length: memory.length, readers: 0, isAhead: true };
  }

  function seen(pack: Fetched): void {
    if (pack.isAhead) waiting--;
    pack.isAhead = false;
  }

  function drop(id: string, pack: Fetched): void {
    if (packs.get(id) !== pack) return;
    packs.delete(id);
    seen(pack);
    held -= pack.length;
  }

  function fetchPack(id: string, signal?: AbortSignal): Fetched {
    const known = packs.get(id);
    const pack = known ?? fetch(id, signal);
    packs.delete(id);
    packs.set(id, pack);
    if (known === undefined) pack.bytes.catch(() => drop(id, pack));
    for (const [oldest, other] of packs) {
      if (held <= keptBytes + ahead * packBytes) break;
      if (other.readers > 0 || oldest === id) continue;
      drop(oldest, other);
      // Nobody can get at it any more.
      other.bytes.then(
        ({ buffer }) => void spare.push(Buffer.from(buffer)),
        () => undefined,
      );
    }
    return pack;
  }

  async function read(id: string, signal?: AbortSignal): Promise<Buffer> {
    if (!index.has(id)) await searching.catch(() => undefined);
    const location = index.find(id);
    if (location === undefined) throw missingBlob(opened, id);
    if (!index.has(id)) throw lostBlob(opened, location);
    const pack = fetchPack(location.pack, signal);
    seen(pack);
    pack.readers++;
    try {
      const bytes = await pack.bytes;
      if (bytes.length < (index.packBytes(location.pack) ?? 0))
        throw new MissingObject({ where: `${opened.storage.location}/${packKey(location.pack)}`, what: 'is too short' });
      return openBlob(opened, location, bytes, true);
    } finally {
      pack.readers--;
    }
  }

  async function readAgain(id: string, signal: AbortSignal | undefined, error: unknown): Promise<Buffer> {
    const pack = index.find(id)?.pack;
    if (!(error instanceof MissingObject) || pack === undefined) throw error;
    index.lose(pack);
    const again = () => search(() => index.has(id));
    searching = searching.then(again, again);
    await searching;
    return read(id, signal);
  }

  const reader: BlobReader = {
    expect(id) {
      const location = index.find(id);
      if (location === undefined || packs.has(location.pack)) return true;
      if (waiting >= ahead) return false;
      fetchPack(location.pack);
      return true;
    },
    read: (id, signal) => read(id, signal).catch((error: unknown) => readAgain(id, signal, error)),
    async *readAll(ids, signal) {
      let next = 1;
      for (const [number, id] of ids.entries()) {
        const bytes = reader.read(id, signal);
        next = Math.max(next, number + 1);
        while (next < ids.length && reader.expect(ids[next] ?? '')) next += 1;
        yield await bytes;
      }
    },
  };
  return reader;
}

export function missingBlob({ storage }: Opened, id: string): LostBlob {
  return new LostBlob({
    where: storage.location,
    what: `blob ${id.slice(0, 12)} is missing: no index names it`,
    fix: 'use another snapshot, and look with restic check',
  });
}

function lostBlob({ storage }: Opened, { id, pack }: BlobLocation): LostBlob {
  return new LostBlob({
    where: `${storage.location}/${packKey(pack)}`,
    what: `does not exist any more, or not as a whole, and with it blob ${id.slice(0, 12)} is lost`,
    fix: 'use another snapshot',
  });
}

/** One blob of a pack. `byHash`: where the hash of the plain bytes proves them, no other proof is asked for; a decompressor gets nothing unproven. */
export function openBlob(
  { storage, seal }: Opened,
  { id, pack, offset, length, plainLength }: BlobLocation,
  bytes: Buffer,
  byHash = false,
): Buffer {
  const sealed = bytes.subarray(offset, offset + length);
  if (byHash && plainLength === 0 && sealed.length === length && length > sealBytes) {
    const plain = seal.decrypt(sealed);
    if (sha256(plain) === id) return plain;
  }
  return openSealed(seal, `${storage.location}/${packKey(pack)}`, id, plainLength, sealed);
}

/** Fails unless it holds what the id is the hash of. `plainLength` 0: it is not compressed. */
export function openSealed(seal: Seal, where: string, id: string, plainLength: number, sealed: Buffer): Buffer {
  const frame = unseal(seal, where, sealed);
  let seen: string;
  try {
    const plain = plainLength === 0 ? frame : decompress(frame, plainLength);
    if (plain !== frame) release(frame);
    if (sha256(plain) === id) return plain;
    seen = 'its hash differs';
  } catch (error) {
    seen = messageOf(error);
  }
  throw new DavitError({ where, what: `blob ${id.slice(0, 12)} is not what was stored`, seen, fix: 'use another snapshot' });
}
