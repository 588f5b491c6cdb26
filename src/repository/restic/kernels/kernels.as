// AssemblyScript. `npm run kernels` compiles it into kernels.ts; a unit test compares the two, and both with plain TypeScript.

// The memory: what the functions below read and write. The caller's data begins at `data`.
const outTable: usize = 0;
const modTable: usize = 2048;
const polyKey: usize = 4096;
const polyTag: usize = 4128;
export const data: i32 = 4224;

// ---- Rabin fingerprints over a window of 64 bytes ----

const window: usize = 64;
const polynomialShift: u64 = 45;
const cutMask: u64 = (1 << 20) - 1;

@inline
function roll(digest: u64, at: usize): u64 {
  digest ^= load<u64>(outTable + (<usize>load<u8>(at - window) << 3));
  const index = <usize>(digest >> polynomialShift) & 0xff;
  return ((digest << 8) | <u64>load<u8>(at)) ^ load<u64>(modTable + (index << 3));
}

// Where the first chunk may end whose last byte lies in [from, to); 0: nowhere. The 64 bytes before `from` must be there.
export function findCut(from: usize, to: usize): usize {
  let digest: u64 = 0;
  for (let at = from - window; at < from; at++) {
    const index = <usize>(digest >> polynomialShift) & 0xff;
    digest = ((digest << 8) | <u64>load<u8>(at)) ^ load<u64>(modTable + (index << 3));
  }
  for (let at = from; at < to; at++) {
    digest = roll(digest, at);
    if ((digest & cutMask) == 0) return at + 1;
  }
  return 0;
}

// ---- Poly1305: h = (h + block) * r mod 2^130 - 5, in five limbs of 26 bits ----

let r0: u64, r1: u64, r2: u64, r3: u64, r4: u64;
let h0: u64, h1: u64, h2: u64, h3: u64, h4: u64;
const limb: u64 = 0x3ffffff;

// The key lies at polyKey: 16 bytes of r, then 16 bytes that are added at the end.
export function polyBegin(): void {
  r0 = <u64>load<u32>(polyKey) & 0x3ffffff;
  r1 = <u64>(load<u32>(polyKey + 3) >> 2) & 0x3ffff03;
  r2 = <u64>(load<u32>(polyKey + 6) >> 4) & 0x3ffc0ff;
  r3 = <u64>(load<u32>(polyKey + 9) >> 6) & 0x3f03fff;
  r4 = <u64>(load<u32>(polyKey + 12) >> 8) & 0x00fffff;
  h0 = h1 = h2 = h3 = h4 = 0;
}

function blocks(from: usize, to: usize, high: u64): void {
  const a0 = r0, a1 = r1, a2 = r2, a3 = r3, a4 = r4;
  const s1 = a1 * 5, s2 = a2 * 5, s3 = a3 * 5, s4 = a4 * 5;
  let b0 = h0, b1 = h1, b2 = h2, b3 = h3, b4 = h4;
  for (let at = from; at < to; at += 16) {
    b0 += <u64>load<u32>(at) & limb;
    b1 += <u64>(load<u32>(at + 3) >> 2) & limb;
    b2 += <u64>(load<u32>(at + 6) >> 4) & limb;
    b3 += <u64>(load<u32>(at + 9) >> 6) & limb;
    b4 += <u64>(load<u32>(at + 12) >> 8) | high;
    const d0 = b0 * a0 + b1 * s4 + b2 * s3 + b3 * s2 + b4 * s1;
    const d1 = b0 * a1 + b1 * a0 + b2 * s4 + b3 * s3 + b4 * s2 + (d0 >> 26);
    const d2 = b0 * a2 + b1 * a1 + b2 * a0 + b3 * s4 + b4 * s3 + (d1 >> 26);
    const d3 = b0 * a3 + b1 * a2 + b2 * a1 + b3 * a0 + b4 * s4 + (d2 >> 26);
    const d4 = b0 * a4 + b1 * a3 + b2 * a2 + b3 * a1 + b4 * a0 + (d3 >> 26);
    b0 = (d0 & limb) + (d4 >> 26) * 5;
    b1 = (d1 & limb) + (b0 >> 26);
    b0 &= limb;
    b2 = d2 & limb;
    b3 = d3 & limb;
    b4 = d4 & limb;
  }
  h0 = b0; h1 = b1; h2 = b2; h3 = b3; h4 = b4;
}

// `to - from` is a multiple of 16.
export function polyBlocks(from: usize, to: usize): void {
  blocks(from, to, 1 << 24);
}

// The last 0 to 15 bytes; the 16 bytes of the result lie at polyTag.
export function polyEnd(from: usize, length: usize): void {
  if (length > 0) {
    store<u8>(from + length, 1);
    memory.fill(from + length + 1, 0, 15 - length);
    blocks(from, from + 16, 0);
  }
  h2 += h1 >> 26; h1 &= limb;
  h3 += h2 >> 26; h2 &= limb;
  h4 += h3 >> 26; h3 &= limb;
  h0 += (h4 >> 26) * 5; h4 &= limb;
  h1 += h0 >> 26; h0 &= limb;
  // Minus the prime, if that is not negative.
  let g0 = h0 + 5;
  let g1 = h1 + (g0 >> 26); g0 &= limb;
  let g2 = h2 + (g1 >> 26); g1 &= limb;
  let g3 = h3 + (g2 >> 26); g2 &= limb;
  let g4 = h4 + (g3 >> 26); g3 &= limb;
  if (g4 >> 26) {
    h0 = g0; h1 = g1; h2 = g2; h3 = g3; h4 = g4 & limb;
  }
  const low = h0 | (h1 << 26) | (h2 << 52);
  const high = (h2 >> 12) | (h3 << 14) | (h4 << 40);
  const addend = load<u64>(polyKey + 16);
  const sum = low + addend;
  store<u64>(polyTag, sum);
  store<u64>(polyTag + 8, high + load<u64>(polyKey + 24) + <u64>(sum < addend));
}

// ---- Counter mode ----

// target ^= key stream, byte by byte; whole words first.
export function xor(target: usize, stream: usize, length: usize): void {
  const words = length & ~7;
  for (let at: usize = 0; at < words; at += 8) store<u64>(target + at, load<u64>(target + at) ^ load<u64>(stream + at));
  for (let at = words; at < length; at++) store<u8>(target + at, load<u8>(target + at) ^ load<u8>(stream + at));
}
