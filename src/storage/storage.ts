import type { Readable } from 'node:stream';
import { DavitError } from '../model/errors.ts';
import type { Digest } from '../model/snapshot.ts';

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** When the storage received it, by the storage's clock. */
  readonly modifiedAt: Date;
}

export interface PutResult extends Digest {
  /** The storage itself confirmed a hash of the bytes it holds; otherwise only their number is confirmed and a read-back is the proof. */
  readonly proven: boolean;
}

/** What `get` rejects with when the key is absent. */
export class MissingObject extends DavitError {}

/**
 * Dumb bytes under keys. What an implementation promises:
 * - `put`: the object appears whole or not at all; when `data` fails or `signal` aborts, nothing stays behind under the key and the call rejects.
 *   It survives a crash of the machine once the call has returned. Memory is bounded whatever the size. An existing key is replaced.
 * - `get`: rejects (or the stream errors) when the key is absent or the connection breaks; it never ends early as if complete.
 * - `list`: keys below a prefix of whole path segments (`app` never lists `app2/…`), in no particular order.
 * - `remove`: absent keys are not an error.
 * - `sweep`: removes what killed writers left half-made below the prefix (multipart uploads, temporary files), only where `isDead(key)` says so.
 * Errors are DavitErrors that name the place and what to do. Temporary faults are retried inside.
 */
export interface Storage {
  /** For people and logs; holds no secret. */
  readonly location: string;
  /** True when the bytes are on the same machine as the data they protect. */
  readonly local: boolean;
  put(key: string, data: Readable, signal?: AbortSignal): Promise<PutResult>;
  get(key: string, signal?: AbortSignal): Promise<Readable>;
  list(prefix: string): AsyncIterable<StoredObject>;
  remove(keys: readonly string[]): Promise<void>;
  sweep(prefix: string, isDead: (key: string, startedAt: Date) => boolean): Promise<number>;
}
