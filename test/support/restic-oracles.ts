/** What the WebAssembly of the restic format must compute, in plain words. */

import type { RollingTables } from '../../src/repository/restic/polynomial.ts';

const [windowBytes, minBytes, maxBytes, cutMask] = [64, 512 * 1024, 8 * 1024 * 1024, (1n << 20n) - 1n];

/** The lengths of the chunks, byte by byte, as restic's chunker is written. */
export function chunkLengths(data: Buffer, { out, mod }: RollingTables): number[] {
  const lengths: number[] = [];
  let [window, position, digest, count] = [new Uint8Array(windowBytes), 0, 0n, 0];
  const slide = (byte: number): void => {
    const index = Number((digest >> 45n) & 255n);
    digest = ((digest << 8n) | BigInt(byte)) ^ (mod[index] as bigint) ^ (out[window[position] as number] as bigint);
    window[position] = byte;
    position = (position + 1) % windowBytes;
  };
  const reset = (): void => {
    [window, position, digest, count] = [new Uint8Array(windowBytes), 0, 0n, 0];
    slide(1);
  };
  reset();
  for (const byte of data) {
    count++;
    if (count <= minBytes - windowBytes) continue;
    slide(byte);
    if (count < minBytes || ((digest & cutMask) !== 0n && count < maxBytes)) continue;
    lengths.push(count);
    reset();
  }
  return count > 0 ? [...lengths, count] : lengths;
}

/** Poly1305 as its definition says it. */
export function poly1305(r: Buffer, s: Buffer, message: Buffer): Buffer {
  const number = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
  const clamped = number(r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16)
    sum = ((sum + number(Buffer.concat([message.subarray(at, at + 16), Buffer.of(1)]))) * clamped) % ((1n << 130n) - 5n);
  const tag = BigInt.asUintN(128, sum + number(s))
    .toString(16)
    .padStart(32, '0');
  return Buffer.from(Buffer.from(tag, 'hex').toReversed());
}
