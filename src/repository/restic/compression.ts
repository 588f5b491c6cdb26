import { compressFrame, decompressFrame } from './zstd.ts';

/** A zstd frame, or undefined where that would not be shorter. The next call may overwrite it. */
export function compress(plain: Buffer): Buffer | undefined {
  if (looksRandom(plain)) return undefined;
  const frame = compressFrame(plain);
  return frame.length < plain.length ? frame : undefined;
}

export const decompress = decompressFrame;

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
