import type { Duplex } from 'node:stream';

/**
 * A reversible transformation of a byte stream. `decode` of `encode` gives the same bytes; a truncated or damaged input makes `decode`
 * fail, never end cleanly. Both are backpressured and hold a bounded amount of memory.
 */
export interface Codec {
  readonly name: string;
  /** Added to the file name, with its dot: `.zst`. */
  readonly extension: string;
  encode(signal?: AbortSignal): Duplex;
  decode(signal?: AbortSignal): Duplex;
}
