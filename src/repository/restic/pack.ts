import type { BlobLocation, BlobType } from './blob.ts';
import { type Seal, sealBytes, sha256 } from './crypto.ts';
import { release } from './memory.ts';

/** What a pack may hold, without its header. A blob that is larger has one of its own. The number is for tiny files, because of each blob a hundred bytes are kept until an index names it. */
export const packBytes = 16 * 1024 * 1024;
const packBlobs = 10_000;
const [plainEntryBytes, compressedEntryBytes] = [37, 41];
const firstBytes = 1024 * 1024;
/** As many as travel at once. */
const sparePacks = 3;

export function packKey(id: string): string {
  return `data/${id.slice(0, 2)}/${id}`;
}

/** How long a pack with these blobs is: they, a sealed header, and its length. */
export function packLength(blobs: readonly BlobLocation[]): number {
  return blobs.reduce((sum, { length }) => sum + length, 0) + headerLength(blobs) + sealBytes + 4;
}

function headerLength(blobs: readonly { readonly plainLength: number }[]): number {
  return blobs.reduce((sum, { plainLength }) => sum + (plainLength === 0 ? plainEntryBytes : compressedEntryBytes), 0);
}

export interface FullPack {
  readonly id: string;
  readonly bytes: Buffer;
  readonly blobs: readonly BlobLocation[];
}

/** The memory of packs that have been sent: for the next ones, because the kernel would have to clear what is new. */
export interface Spare {
  take(): Buffer | undefined;
  give(memory: ArrayBuffer): void;
}

export function createSpare(): Spare {
  const kept: ArrayBuffer[] = [];
  return {
    take() {
      const memory = kept.pop();
      return memory && Buffer.from(memory);
    },
    give(memory) {
      if (kept.length < sparePacks && memory.byteLength >= packBytes) kept.push(memory);
      else memory.transfer(0);
    },
  };
}

/** The blobs of a whole pack, as its header tells them; undefined: it has none that can be opened. */
export function readHeader(seal: Seal, pack: string, bytes: Buffer): BlobLocation[] | undefined {
  const end = bytes.length - 4;
  const start = end < 0 ? -1 : end - bytes.readUInt32LE(end);
  const entries = start < 0 ? undefined : seal.open(bytes.subarray(start, end));
  if (entries === undefined) return undefined;
  const blobs: BlobLocation[] = [];
  for (let at = 0, offset = 0; at < entries.length;) {
    const kind = entries.readUInt8(at);
    const isCompressed = (kind & 2) !== 0;
    const [length, head] = [entries.readUInt32LE(at + 1), isCompressed ? 9 : 5];
    const id = entries.toString('hex', at + head, at + head + 32);
    const plainLength = isCompressed ? entries.readUInt32LE(at + 5) : 0;
    blobs.push({ id, type: (kind & 1) === 0 ? 'data' : 'tree', pack, offset, length, plainLength });
    offset += length;
    at += head + 32;
  }
  return blobs;
}

/** Blobs of one type, sealed, one after another. */
export interface Pack {
  /** Seals it, and gives it as it lies there until the next call. `plainLength` 0: it is not compressed. */
  add(id: string, frame: Uint8Array, plainLength: number): Buffer;
  addSealed(id: string, sealed: Uint8Array, plainLength: number): void;
  /** Whether a blob of that length, sealed, may be added. An empty one takes any. */
  fits(length: number): boolean;
  isEmpty(): boolean;
  close(): FullPack;
}

export function createPack(type: BlobType, seal: Seal, spare?: Spare): Pack {
  const blobs: Omit<BlobLocation, 'pack'>[] = [];
  let bytes = spare?.take() ?? Buffer.alloc(0);
  let used = 0;

  function makeRoom(length: number): void {
    if (used + length <= bytes.length) return;
    // What is not written to takes no memory.
    const larger = Buffer.allocUnsafeSlow(Math.max(used + length, bytes.length === 0 ? firstBytes : packBytes + firstBytes));
    bytes.copy(larger, 0, 0, used);
    release(bytes);
    bytes = larger;
  }

  function placed(id: string, length: number, plainLength: number): void {
    blobs.push({ id, type, offset: used, length, plainLength });
    used += length;
  }

  return {
    add(id, frame, plainLength) {
      const length = frame.length + sealBytes;
      makeRoom(length);
      const sealed = bytes.subarray(used, used + length);
      seal.sealInto(sealed, frame);
      placed(id, length, plainLength);
      return sealed;
    },
    addSealed(id, sealed, plainLength) {
      makeRoom(sealed.length);
      bytes.set(sealed, used);
      placed(id, sealed.length, plainLength);
    },
    fits: (length) => blobs.length === 0 || (used + length <= packBytes && blobs.length < packBlobs),
    isEmpty: () => blobs.length === 0,
    close() {
      const header = seal.seal(headerOf(type, blobs));
      makeRoom(header.length + 4);
      header.copy(bytes, used);
      bytes.writeUInt32LE(header.length, used + header.length);
      const whole = bytes.subarray(0, used + header.length + 4);
      const id = sha256(whole);
      return { id, bytes: whole, blobs: blobs.map((blob) => ({ ...blob, pack: id })) };
    },
  };
}

function headerOf(type: BlobType, blobs: readonly Omit<BlobLocation, 'pack'>[]): Buffer {
  const header = Buffer.alloc(headerLength(blobs));
  let at = 0;
  for (const { id, length, plainLength } of blobs) {
    const isCompressed = plainLength !== 0;
    at = header.writeUInt8((type === 'tree' ? 1 : 0) + (isCompressed ? 2 : 0), at);
    at = header.writeUInt32LE(length, at);
    if (isCompressed) at = header.writeUInt32LE(plainLength, at);
    at += header.write(id, at, 'hex');
  }
  return header;
}
