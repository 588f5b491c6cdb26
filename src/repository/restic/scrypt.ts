import { pbkdf2Sync } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createKernels } from './kernels.ts';

export interface ScryptCost {
  /** A power of two. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** RFC 7914, with vectors: OpenSSL's takes half as long again. Everybody else gets a turn now and then. */
export async function scrypt(password: string, salt: Buffer, length: number, { N, r, p }: ScryptCost): Promise<Buffer> {
  const blockBytes = 128 * r;
  const { bytes, start, scryptMix } = createKernels((N + 3) * blockBytes);
  const [first, last] = [start + blockBytes, start + (N + 1) * blockBytes];
  const blocks = pbkdf2Sync(password, salt, 1, p * blockBytes, 'sha256');
  for (let at = 0; at < blocks.length; at += blockBytes) {
    const block = blocks.subarray(at, at + blockBytes);
    inSteps(5, block).copy(bytes, first);
    scryptMix(start, N, blockBytes);
    inSteps(13, bytes.subarray(last, last + blockBytes)).copy(block);
    await nextTurn();
  }
  return pbkdf2Sync(password, blocks, 1, length, 'sha256');
}

/** Of every sixteen words, first that with number 0, then `step`, twice `step` and so on, modulo 16: 5 gathers diagonals, 13 undoes it. */
function inSteps(step: number, bytes: Buffer): Buffer {
  const ordered = Buffer.alloc(bytes.length);
  for (let at = 0; at < bytes.length; at += 4) {
    const from = (at & ~63) + ((at * step) & 63);
    bytes.copy(ordered, at, from, from + 4);
  }
  return ordered;
}
