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
function append(digest: u64, byte: u64): u64 {
  return (digest << 8) ^ byte ^ load<u64>(<usize>(digest >> polynomialShift) << 3, modTable);
}

@inline
function roll(digest: u64, oldest: usize, newest: u64): u64 {
  return append(digest, newest) ^ load<u64>(oldest << 3, outTable);
}

@inline
function warm(from: usize): u64 {
  let digest: u64 = 0;
  for (let at = from - window; at < from; at++) digest = append(digest, load<u8>(at));
  return digest;
}

// Where the first chunk may end whose last byte lies in [from, to); 0: nowhere. The 64 bytes before `from` must be there.
export function findCut(from: usize, to: usize): usize {
  while (to - from >= stretch && !hasCut(from)) from += stretch;
  let digest = warm(from);
  for (let at = from - window; at < to - window; at++) {
    digest = roll(digest, load<u8>(at), load<u8>(at, window));
    if ((digest & cutMask) == 0) return at + window + 1;
  }
  return 0;
}

// A digest waits for the one before it; those of four lanes do not wait for each other.
const lane: usize = 4096;
const stretch: usize = 4 * lane;

function hasCut(from: usize): bool {
  let a = warm(from), b = warm(from + lane), c = warm(from + 2 * lane), d = warm(from + 3 * lane);
  for (let at = from - window, end = at + lane; at < end; at++) {
    a = roll(a, load<u8>(at), load<u8>(at, window));
    b = roll(b, load<u8>(at, lane), load<u8>(at, lane + window));
    c = roll(c, load<u8>(at, 2 * lane), load<u8>(at, 2 * lane + window));
    d = roll(d, load<u8>(at, 3 * lane), load<u8>(at, 3 * lane + window));
    // A jump each: together they would be computed without one, which takes longer.
    if ((a & cutMask) == 0) return true;
    if ((b & cutMask) == 0) return true;
    if ((c & cutMask) == 0) return true;
    if ((d & cutMask) == 0) return true;
  }
  return false;
}

// ---- Poly1305: h = (h + block) * r mod 2^130 - 5, in five limbs of 26 bits ----

let r0: u64, r1: u64, r2: u64, r3: u64, r4: u64;
let h0: u64, h1: u64, h2: u64, h3: u64, h4: u64;
// r * r
let q0: u64, q1: u64, q2: u64, q3: u64, q4: u64;
const limb: u64 = 0x3ffffff;

// The key lies at polyKey: 16 bytes of r, then 16 bytes that are added at the end.
export function polyBegin(): void {
  r0 = <u64>load<u32>(polyKey) & 0x3ffffff;
  r1 = <u64>(load<u32>(polyKey + 3) >> 2) & 0x3ffff03;
  r2 = <u64>(load<u32>(polyKey + 6) >> 4) & 0x3ffc0ff;
  r3 = <u64>(load<u32>(polyKey + 9) >> 6) & 0x3f03fff;
  r4 = <u64>(load<u32>(polyKey + 12) >> 8) & 0x00fffff;
  h0 = r0; h1 = r1; h2 = r2; h3 = r3; h4 = r4;
  memory.fill(polyTag, 0, 16);
  blocks(polyTag, polyTag + 16, 0);
  q0 = h0; q1 = h1; q2 = h2; q3 = h3; q4 = h4;
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

// `to - from` is a multiple of 16. Two blocks at a time, h = (h + first) * r * r + second * r, have half of the carries.
export function polyBlocks(from: usize, to: usize): void {
  const high: u64 = 1 << 24;
  const a0 = r0, a1 = r1, a2 = r2, a3 = r3, a4 = r4;
  const s1 = a1 * 5, s2 = a2 * 5, s3 = a3 * 5, s4 = a4 * 5;
  const e0 = q0, e1 = q1, e2 = q2, e3 = q3, e4 = q4;
  const t1 = e1 * 5, t2 = e2 * 5, t3 = e3 * 5, t4 = e4 * 5;
  let b0 = h0, b1 = h1, b2 = h2, b3 = h3, b4 = h4;
  for (; to - from >= 32; from += 32) {
    b0 += <u64>load<u32>(from) & limb;
    b1 += <u64>(load<u32>(from + 3) >> 2) & limb;
    b2 += <u64>(load<u32>(from + 6) >> 4) & limb;
    b3 += <u64>(load<u32>(from + 9) >> 6) & limb;
    b4 += <u64>(load<u32>(from + 12) >> 8) | high;
    const c0 = <u64>load<u32>(from + 16) & limb;
    const c1 = <u64>(load<u32>(from + 19) >> 2) & limb;
    const c2 = <u64>(load<u32>(from + 22) >> 4) & limb;
    const c3 = <u64>(load<u32>(from + 25) >> 6) & limb;
    const c4 = <u64>(load<u32>(from + 28) >> 8) | high;
    const d0 = b0 * e0 + b1 * t4 + b2 * t3 + b3 * t2 + b4 * t1 + c0 * a0 + c1 * s4 + c2 * s3 + c3 * s2 + c4 * s1;
    const d1 = b0 * e1 + b1 * e0 + b2 * t4 + b3 * t3 + b4 * t2 + c0 * a1 + c1 * a0 + c2 * s4 + c3 * s3 + c4 * s2 + (d0 >> 26);
    const d2 = b0 * e2 + b1 * e1 + b2 * e0 + b3 * t4 + b4 * t3 + c0 * a2 + c1 * a1 + c2 * a0 + c3 * s4 + c4 * s3 + (d1 >> 26);
    const d3 = b0 * e3 + b1 * e2 + b2 * e1 + b3 * e0 + b4 * t4 + c0 * a3 + c1 * a2 + c2 * a1 + c3 * a0 + c4 * s4 + (d2 >> 26);
    const d4 = b0 * e4 + b1 * e3 + b2 * e2 + b3 * e1 + b4 * e0 + c0 * a4 + c1 * a3 + c2 * a2 + c3 * a1 + c4 * a0 + (d3 >> 26);
    b0 = (d0 & limb) + (d4 >> 26) * 5;
    b1 = (d1 & limb) + (b0 >> 26);
    b0 &= limb;
    b2 = d2 & limb;
    b3 = d3 & limb;
    b4 = d4 & limb;
  }
  h0 = b0; h1 = b1; h2 = b2; h3 = b3; h4 = b4;
  blocks(from, to, high);
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
