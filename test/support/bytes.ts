import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** Bytes that do not compress and are the same every time. */
export function noise(bytes: number, seed = 1): Buffer {
  const noise = Buffer.allocUnsafe(bytes);
  let state = seed;
  for (let offset = 0; offset < bytes; offset++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    noise[offset] = state >>> 24;
  }
  return noise;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Delivers in pieces, the way a socket does. */
export function streamOf(bytes: Buffer, pieceBytes = 65_000): Readable {
  function* pieces() {
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) yield bytes.subarray(offset, offset + pieceBytes);
  }
  return Readable.from(pieces(), { objectMode: false });
}

/** Delivers some bytes, then fails. */
export function failing(bytes: number, error: Error): Readable {
  async function* pieces() {
    yield noise(bytes);
    await Promise.resolve();
    throw error;
  }
  return Readable.from(pieces(), { objectMode: false });
}

/** Delivers some bytes, then neither more nor an end; `delivered` resolves when that is so. */
export function stuck(bytes: number): { readonly data: Readable; readonly delivered: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* pieces() {
    yield* streamOf(noise(bytes));
    resolve();
    await new Promise(() => undefined);
  }
  return { data: Readable.from(pieces(), { objectMode: false }), delivered: promise };
}

/** Reads to the end; the hash keeps memory small. */
export async function digest(stream: Readable): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
