import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

const compressAside = promisify(zstdCompress);
const smallBytes = 32 * 1024;
const level = 3;

/** A zstd frame, or undefined where that would not be shorter. What is large is compressed beside the thread that asks. */
export async function compress(plain: Buffer): Promise<Buffer | undefined> {
  if (looksRandom(plain)) return undefined;
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  const options = { params, chunkSize: Math.max(64, plain.length + 512) };
  const frame = plain.length <= smallBytes ? zstdCompressSync(plain, options) : await compressAside(plain, options);
  return frame.length < plain.length ? frame : undefined;
}

export function decompress(frame: Buffer, plainLength: number): Buffer {
  return zstdDecompressSync(frame, { chunkSize: Math.max(64, plainLength), maxOutputLength: plainLength });
}

const [sampleBytes, sampleStride] = [16 * 1024, 97];
/** Of random bytes, this statistic with 255 degrees of freedom is above 255 ± 120 less than once in a million times. */
const randomLimit = 375;

/** Media and archives have every byte equally often: compressing them again only takes time. Chi-squared over a sample. */
export function looksRandom(bytes: Buffer): boolean {
  if (bytes.length < sampleBytes) return false;
  const counts = new Uint32Array(256);
  const stride = Math.max(1, Math.min(sampleStride, Math.floor(bytes.length / sampleBytes)));
  let samples = 0;
  for (let at = 0; at < bytes.length && samples < sampleBytes; at += stride, samples++) {
    const byte = bytes[at] as number;
    counts[byte] = (counts[byte] ?? 0) + 1;
  }
  const expected = samples / 256;
  const deviation = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return deviation < randomLimit;
}
