import { createKernels, setTables } from './kernels.ts';
import type { RollingTables } from './polynomial.ts';

export const minChunkBytes = 512 * 1024;
const maxChunkBytes = 8 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

export interface Chunker {
  /** Adds bytes, and gives the chunks that are complete with them, each until the next one is asked for. */
  push(bytes: Uint8Array): Iterable<Buffer>;
  /** The last chunk; undefined when nothing is left. The chunker can then be used again. */
  end(): Buffer | undefined;
}

/**
 * Cuts a stream where its content says so: at the first position, at least `minChunkBytes` after the last cut, where the fingerprint of the 64 bytes
 * before it ends in 20 zero bits. What was inserted or removed only changes the chunks around it.
 */
export function createChunker(tables: RollingTables): Chunker {
  // A chunk lies in one piece; the bytes that came after its end move to the front when the next ones arrive.
  const kernels = createKernels(maxChunkBytes + pieceBytes);
  setTables(kernels, tables);
  const { bytes, start } = kernels;
  let [chunkAt, searched, end] = [start, start, start];

  function makeRoom(): void {
    bytes.copyWithin(start, chunkAt, end);
    [searched, end, chunkAt] = [searched - chunkAt + start, end - chunkAt + start, start];
  }

  /** The end of the chunk; 0: it is not there yet. */
  function findEnd(): number {
    const first = chunkAt + minChunkBytes - 1;
    const last = chunkAt + maxChunkBytes;
    const from = Math.max(first, searched);
    const to = Math.min(end, last);
    if (to <= from) return 0;
    searched = to;
    return kernels.findCut(from, to) || (to === last ? last : 0);
  }

  return {
    *push(input) {
      for (let at = 0; at < input.length;) {
        if (end + pieceBytes > bytes.length) makeRoom();
        const piece = input.subarray(at, at + pieceBytes);
        bytes.set(piece, end);
        end += piece.length;
        at += piece.length;
        for (let cut = findEnd(); cut !== 0; cut = findEnd()) {
          const chunk = bytes.subarray(chunkAt, cut);
          [chunkAt, searched] = [cut, cut];
          yield chunk;
        }
      }
    },
    end() {
      const rest = end > chunkAt ? bytes.subarray(chunkAt, end) : undefined;
      [chunkAt, searched, end] = [start, start, start];
      return rest;
    },
  };
}
