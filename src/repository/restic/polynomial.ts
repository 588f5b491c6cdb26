import { randomBytes } from 'node:crypto';

/** Polynomials over GF(2): bit n of the number is the coefficient of x^n. Only used to set up tables, so that big integers are fast enough. */
export type Polynomial = bigint;

const degree = 53;
const windowBytes = 64;

export function degreeOf(polynomial: Polynomial): number {
  const hex = polynomial.toString(16);
  return polynomial === 0n ? -1 : hex.length * 4 - 1 - (Math.clz32(parseInt(hex.charAt(0), 16)) - 28);
}

export function remainder(dividend: Polynomial, divisor: Polynomial): Polynomial {
  const divisorDegree = degreeOf(divisor);
  let rest = dividend;
  for (let excess = degreeOf(rest) - divisorDegree; excess >= 0; excess = degreeOf(rest) - divisorDegree) rest ^= divisor << BigInt(excess);
  return rest;
}

function multiply(a: Polynomial, b: Polynomial, modulus: Polynomial): Polynomial {
  let product = 0n;
  for (let bits = b, shifted = a; bits !== 0n; bits >>= 1n, shifted <<= 1n) if ((bits & 1n) === 1n) product ^= shifted;
  return remainder(product, modulus);
}

function commonDivisor(a: Polynomial, b: Polynomial): Polynomial {
  return b === 0n ? a : commonDivisor(b, remainder(a, b));
}

/** Ben-Or's test: no x^(2^i) - x up to half the degree shares a factor with it. */
export function isIrreducible(polynomial: Polynomial): boolean {
  let power = 2n;
  for (let i = 1; i <= degreeOf(polynomial) / 2; i++) {
    power = multiply(power, power, polynomial);
    if (commonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return degreeOf(polynomial) > 0;
}

/** Every repository has one of its own, so that the lengths of chunks tell nothing to those who do not know it. */
export function randomPolynomial(): Polynomial {
  for (;;) {
    const low = randomBytes(8).readBigUInt64LE() & ((1n << BigInt(degree)) - 1n);
    const candidate = (1n << BigInt(degree)) | low | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

export interface RollingTables {
  /** What a byte still contributes to the digest when the byte that pushes it out of the window has been appended. */
  readonly out: BigUint64Array;
  /** What brings a digest that was shifted by one byte back below the degree. */
  readonly mod: BigUint64Array;
}

export function rollingTables(polynomial: Polynomial): RollingTables {
  const [shift, pushedOut] = [BigInt(degreeOf(polynomial)), BigInt(windowBytes * 8)];
  return {
    out: tableOf((byte) => remainder(byte << pushedOut, polynomial)),
    mod: tableOf((byte) => remainder(byte << shift, polynomial) | (byte << shift)),
  };
}

/** Of a function that is linear: it is asked for single bits only. */
function tableOf(valueOf: (byte: bigint) => bigint): BigUint64Array {
  const table = new BigUint64Array(256);
  for (let bit = 1; bit < 256; bit *= 2) {
    const value = valueOf(BigInt(bit));
    for (let below = 0; below < bit; below++) table[bit + below] = value ^ (table[below] ?? 0n);
  }
  return table;
}
