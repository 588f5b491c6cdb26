import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { DavitError } from '../model/errors.ts';
import type { Digest } from '../model/snapshot.ts';

export interface Digester {
  readonly stage: Transform;
  /** For those who are no stage of a pipeline. */
  see(bytes: Uint8Array): void;
  /** Of everything that has passed the stage so far; asked once. */
  digest(): Digest;
}

/** Counts and hashes the bytes that pass. `conclude` may refuse the stream at its end by throwing. */
export function createDigester(conclude?: (digest: Digest) => void): Digester {
  const hash = createHash('sha256');
  let bytes = 0;
  let result: Digest | undefined;
  const see = (chunk: Uint8Array): void => {
    hash.update(chunk);
    bytes += chunk.length;
  };
  const digest = () => (result ??= { bytes, sha256: hash.digest('hex') });
  const stage = new Transform({
    readableHighWaterMark: 1024 * 1024,
    writableHighWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _, callback) {
      see(chunk);
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
  return { stage, see, digest };
}

export function requireEqual(where: string, what: string, seen: Digest, expected: Digest): void {
  if (seen.bytes === expected.bytes && seen.sha256 === expected.sha256) return;
  throw new DavitError({
    where,
    what: `the ${what} bytes are not those of the manifest`,
    seen: `${show(seen)} instead of ${show(expected)}`,
    fix: 'use another snapshot',
  });
}

function show({ bytes, sha256 }: Digest): string {
  return `${bytes} bytes with SHA-256 ${sha256.slice(0, 12)}…`;
}
