/** CRC-64 in its two reflected variants, in two 32-bit halves (what numbers are exact to in bit operations), eight bytes a step. */

interface Variant {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** What each half starts from and is ended with. */
  readonly inverted: number;
}

const stride = 8;

/** Of Redis: Jones' polynomial, not inverted. */
export const jones = variant({ high: 0x95ac9329, low: 0xac4bc9b5 }, 0);
/** Go's `crc64.ECMA`, also known as CRC-64/XZ: started and ended inverted. */
export const xz = variant({ high: 0xc96c5795, low: 0xd7870f42 }, -1);

function variant(polynomial: { readonly high: number; readonly low: number }, inverted: number): Variant {
  const high = new Uint32Array(stride * 256);
  const low = new Uint32Array(stride * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let [h, l] = [0, byte];
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = (l & 1) === 1;
      l = ((l >>> 1) | (h << 31)) ^ (odd ? polynomial.low : 0);
      h = (h >>> 1) ^ (odd ? polynomial.high : 0);
    }
    [high[byte], low[byte]] = [h, l];
  }
  for (let at = 256; at < stride * 256; at += 1) {
    const [h, l] = [high[at - 256] ?? 0, low[at - 256] ?? 0];
    high[at] = (h >>> 8) ^ (high[l & 0xff] ?? 0);
    low[at] = ((l >>> 8) | (h << 24)) ^ (low[l & 0xff] ?? 0);
  }
  return { high, low, inverted };
}

export interface Crc64 {
  add(data: Buffer, from?: number, to?: number): void;
  value(): bigint;
}

export function createCrc64({ high, low, inverted }: Variant): Crc64 {
  let h = inverted;
  let l = inverted;
  return {
    add(data, from = 0, to = data.length) {
      let at = from;
      for (; at + stride <= to; at += stride) {
        const a = l ^ data.readInt32LE(at);
        const b = h ^ data.readInt32LE(at + 4);
        const i0 = 0x700 | (a & 0xff);
        const i1 = 0x600 | ((a >>> 8) & 0xff);
        const i2 = 0x500 | ((a >>> 16) & 0xff);
        const i3 = 0x400 | (a >>> 24);
        const i4 = 0x300 | (b & 0xff);
        const i5 = 0x200 | ((b >>> 8) & 0xff);
        const i6 = 0x100 | ((b >>> 16) & 0xff);
        const i7 = b >>> 24;
        h = high[i0]! ^ high[i1]! ^ high[i2]! ^ high[i3]! ^ high[i4]! ^ high[i5]! ^ high[i6]! ^ high[i7]!;
        l = low[i0]! ^ low[i1]! ^ low[i2]! ^ low[i3]! ^ low[i4]! ^ low[i5]! ^ low[i6]! ^ low[i7]!;
      }
      for (; at < to; at += 1) {
        const index = (l ^ data[at]!) & 0xff;
        l = ((l >>> 8) | (h << 24)) ^ low[index]!;
        h = (h >>> 8) ^ high[index]!;
      }
    },
    value: () => (BigInt((h ^ inverted) >>> 0) << 32n) | BigInt((l ^ inverted) >>> 0),
  };
}
