import { createHash } from 'node:crypto';
import type { BlobLocation, BlobType } from './blob.ts';
import { sealBytes, type Seal } from './crypto.ts';

/** Where a pack is full. One blob may exceed it. */
const packBytes = 16 * 1024 * 1024;
const [plainEntryBytes, compressedEntryBytes] = [37, 41];

const slabBytes = 1024 * 1024;
const smallBytes = slabBytes / 4;

export function packKey(id: string): string {
  return `data/${id.slice(0, 2)}/${id}`;
}

/** How long a pack with these blobs is: they, a sealed header, and its length. */
export function packLength(blobs: readonly BlobLocation[]): number {
  const entries = blobs.reduce((sum, { plainLength }) => sum + (plainLength === 0 ? plainEntryBytes : compressedEntryBytes), 0);
  return blobs.reduce((sum, { length }) => sum + length, 0) + entries + sealBytes + 4;
}

export interface FullPack {
  readonly id: string;
  readonly pieces: readonly Buffer[];
  readonly blobs: readonly BlobLocation[];
}

/** Blobs of one type, sealed, one after another. */
export interface Pack {
  add(id: string, sealed: Buffer, plainLength: number): void;
  isFull(): boolean;
  isEmpty(): boolean;
  close(seal: Seal): FullPack;
}

export function createPack(type: BlobType): Pack {
  const pieces: Buffer[] = [];
  const blobs: Omit<BlobLocation, 'pack'>[] = [];
  let bytes = 0;
  let slab = Buffer.alloc(0);

  /** Small buffers are parts of larger ones, which they would keep in memory for themselves. */
  function gather(piece: Buffer): void {
    if (piece.length > slab.length) slab = Buffer.allocUnsafeSlow(slabBytes);
    piece.copy(slab);
    const last = pieces.at(-1);
    const isNext = last?.buffer === slab.buffer && last.byteOffset + last.length === slab.byteOffset;
    if (isNext) pieces[pieces.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + piece.length);
    else pieces.push(slab.subarray(0, piece.length));
    slab = slab.subarray(piece.length);
  }

  return {
    add(id, sealed, plainLength) {
      blobs.push({ id, type, offset: bytes, length: sealed.length, plainLength });
      if (sealed.length < smallBytes) gather(sealed);
      else pieces.push(sealed);
      bytes += sealed.length;
    },
    isFull: () => bytes >= packBytes || blobs.length * compressedEntryBytes >= packBytes / 2,
    isEmpty: () => blobs.length === 0,
    close(seal) {
      const header = seal.seal(Buffer.concat(blobs.map(entryOf)));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(header.length);
      const whole = [...pieces, header, length];
      const hash = createHash('sha256');
      for (const piece of whole) hash.update(piece);
      const id = hash.digest('hex');
      return { id, pieces: whole, blobs: blobs.map((blob) => ({ ...blob, pack: id })) };
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

function entryOf({ id, type, length, plainLength }: Omit<BlobLocation, 'pack'>): Buffer {
  const isCompressed = plainLength !== 0;
  const head = Buffer.alloc(isCompressed ? 9 : 5);
  head.writeUInt8((type === 'tree' ? 1 : 0) + (isCompressed ? 2 : 0));
  head.writeUInt32LE(length, 1);
  if (isCompressed) head.writeUInt32LE(plainLength, 5);
  return Buffer.concat([head, Buffer.from(id, 'hex')]);
}
