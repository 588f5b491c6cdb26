import { createHash } from 'node:crypto';
import { giveBack } from '../model/chunk.ts';

const mebibyte = 1024 * 1024;
const growEvery = 720;
const largestPart = 1024 * mebibyte;

/** From the smallest part of S3, doubling every 720 parts: the 10,000 parts that S3 allows then hold its largest object, 5 TiB, and few bytes need little memory. */
export function partBytes(number: number): number {
  return Math.min(largestPart, 5 * mebibyte * 2 ** Math.floor((number - 1) / growEvery));
}

const memory = 40 * mebibyte;

/** Parts that exist at once: one fills while the others travel. They share 40 MiB, beyond parts of 20 MiB two of the largest. */
export function buffersFor(bytes: number): number {
  return Math.max(2, Math.min(4, Math.floor(memory / bytes)));
}

export interface Part {
  readonly number: number;
  readonly body: Buffer;
  readonly md5: Buffer;
  readonly isLast: boolean;
  /** Gives the buffer back; its content is then overwritten. */
  release(): void;
}

/** Cuts a stream into parts. No part is empty, except the only part of an empty stream. */
export async function* cutIntoParts(data: AsyncIterable<Buffer>, see: (chunk: Buffer) => void, sizeOf = partBytes): AsyncGenerator<Part> {
  const pool = createPool();
  let number = 1;
  // Most artifacts have no other.
  let buffer: Buffer = Buffer.allocUnsafeSlow(sizeOf(number));
  let used = 0;
  let md5 = createHash('md5');

  function seal(isLast: boolean): Part {
    const full = buffer;
    return { number: number++, body: full.subarray(0, used), md5: md5.digest(), isLast, release: () => pool.give(full) };
  }

  for await (const chunk of data) {
    see(chunk);
    for (let offset = 0; offset < chunk.length;) {
      if (used === buffer.length) {
        yield seal(false);
        buffer = await pool.take(sizeOf(number));
        used = 0;
        md5 = createHash('md5');
      }
      const copied = chunk.copy(buffer, used, offset);
      md5.update(chunk.subarray(offset, offset + copied));
      used += copied;
      offset += copied;
    }
    giveBack(chunk);
  }
  yield seal(true);
}

/** One piece of memory, cut into buffers that are used over and over; once all of them are back, it can be cut into larger ones. */
function createPool() {
  let slab: Buffer = Buffer.alloc(0);
  let free: Buffer[] = [];
  let size = 0;
  let count = 0;
  let wake = (): void => undefined;
  const comesBack = () => new Promise<void>((resolve) => (wake = resolve));

  function cut(bytes: number): void {
    count = buffersFor(bytes);
    if (slab.length < count * bytes) slab = Buffer.allocUnsafeSlow(Math.max(memory, count * bytes));
    free = Array.from({ length: count }, (_, index) => slab.subarray(index * bytes, (index + 1) * bytes));
    size = bytes;
  }

  return {
    async take(bytes: number): Promise<Buffer> {
      if (bytes !== size) {
        while (free.length < count) await comesBack();
        cut(bytes);
      }
      while (free.length === 0) await comesBack();
      return free.pop() as Buffer;
    },
    give(buffer: Buffer): void {
      if (buffer.buffer !== slab.buffer) return;
      free.push(buffer);
      wake();
    },
  };
}
