import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import type { Digest } from '../../model/snapshot.ts';

export interface Digester {
  readonly stage: Transform;
  /** Of everything that has passed the stage so far; asked once. */
  digest(): Digest;
}

/** Counts and hashes the bytes that pass. `conclude` may refuse the stream at its end by throwing. */
export function createDigester(conclude?: (digest: Digest) => void): Digester {
  const hash = createHash('sha256');
  let bytes = 0;
  let result: Digest | undefined;
  const digest = () => (result ??= { bytes, sha256: hash.digest('hex') });
  const stage = new Transform({
    readableHighWaterMark: 1024 * 1024,
    writableHighWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _, callback) {
      hash.update(chunk);
      bytes += chunk.length;
      callback(null, chunk);
    },
    flush(callback) {
      try {
        conclude?.(digest());
        callback();
      } catch (error) {
        callback(error as Error);
      }
    },
  });
  return { stage, digest };
}
