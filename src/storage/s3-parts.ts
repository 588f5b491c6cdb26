import { createHash } from 'node:crypto';

const mebibyte = 1024 * 1024;
const growEvery = 720;
const largestPart = 1024 * mebibyte;

/** From the smallest part of S3, doubling every 720 parts: the 10,000 parts that S3 allows then hold its largest object, 5 TiB, and few bytes need little memory. */
export function partBytes(number: number): number {
  return Math.min(largestPart, 5 * mebibyte * 2 ** Math.floor((number - 1) / growEvery));
}

/** Buffers that exist at once: one fills while the others travel. 25 MiB at first, never more than two of the largest. */
export function buffersFor(bytes: number): number {
  return Math.max(2, Math.min(5, Math.floor((64 * mebibyte) / bytes)));
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
  let buffer = await pool.take(sizeOf(number));
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
  }
  yield seal(true);
}

/** Counted buffers of one size, used over and over; a larger size replaces them. */
function createPool() {
  let free: Buffer[] = [];
  let size = 0;
  let count = 0;
  let waiting: ((buffer: Buffer) => void) | undefined;
  return {
    async take(bytes: number): Promise<Buffer> {
      if (bytes !== size) [free, size, count] = [[], bytes, 0];
      const buffer = free.pop();
      if (buffer) return buffer;
      if (count++ < buffersFor(size)) return Buffer.allocUnsafeSlow(size);
      return new Promise((resolve) => (waiting = resolve));
    },
    give(buffer: Buffer): void {
      if (buffer.length !== size) return;
      if (!waiting) return void free.push(buffer);
      waiting(buffer);
      waiting = undefined;
    },
  };
}
