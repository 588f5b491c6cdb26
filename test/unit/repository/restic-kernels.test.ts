import { createCipheriv, randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { kernelsModule } from '../../../scripts/kernels.ts';
import { createChunker } from '../../../src/repository/restic/chunker.ts';
import { createSeal, unseal } from '../../../src/repository/restic/crypto.ts';
import { isIrreducible, randomPolynomial, rollingTables } from '../../../src/repository/restic/polynomial.ts';
import { readFileSync } from 'node:fs';
import { noise } from '../../support/bytes.ts';
import { createRandom, split } from '../../support/random.ts';
import { chunkLengths, poly1305 } from '../../support/restic-oracles.ts';

/** A compiler runs, and the plain implementations are slow. */
vi.setConfig({ testTimeout: 60_000 });

const polynomial = 0x3da3358b4dc173n;

test('the compiled kernels are those of the source', { timeout: 60_000 }, () => {
  expect(readFileSync('src/repository/restic/kernels/compiled.ts', 'utf8')).toBe(kernelsModule());
});

test('polynomials are told apart', () => {
  expect(isIrreducible(polynomial)).toBe(true);
  expect(isIrreducible(polynomial ^ 0b10n)).toBe(false);
  // (x + 1)(x^2 + x + 1), x^4 + x + 1, and the square of x^2 + x + 1.
  expect([0b1001n, 0b10011n, 0b10101n].map(isIrreducible)).toEqual([false, true, false]);
  const random = randomPolynomial();
  expect(random >> 53n).toBe(1n);
  expect(isIrreducible(random)).toBe(true);
});

function lengthsOf(pieces: readonly Buffer[], tables = rollingTables(polynomial)): number[] {
  const chunker = createChunker(tables);
  const chunks = pieces.flatMap((piece) => [...chunker.push(piece)]);
  return [...chunks, chunker.end() ?? Buffer.alloc(0)].map(({ length }) => length).filter((length) => length > 0);
}

test.for([1, 2, 3])('chunks are those of the plain chunker, however the bytes arrive (seed %i)', (seed) => {
  const random = createRandom(seed);
  const [length, zeros] = [3_000_000 + random.below(3_000_000), 1_000_000 + random.below(2_000_000)];
  const data = Buffer.concat([noise(length, seed), Buffer.alloc(zeros), noise(length, seed + 9)]);
  const tables = rollingTables(seed === 1 ? polynomial : randomPolynomial());
  const expected = chunkLengths(data, tables);
  expect(expected.length).toBeGreaterThan(3);
  expect(lengthsOf([data], tables)).toEqual(expected);
  expect(lengthsOf(split(data, random, 3_000_000), tables)).toEqual(expected);
  expect(lengthsOf(split(data.subarray(0, 600_000), random, 7), tables)).toEqual(chunkLengths(data.subarray(0, 600_000), tables));
});

test('a chunk that nothing cuts ends at 8 MiB', () => {
  // A short period never meets the mask.
  const data = Buffer.alloc(20_000_000, 'no cut here ');
  expect(lengthsOf([data])).toEqual([8_388_608, 8_388_608, 20_000_000 - 2 * 8_388_608]);
});

const keys = { encrypt: noise(32, 3), k: noise(16, 4), r: noise(16, 5) };

test('sealing is AES in counter mode and Poly1305-AES', () => {
  const seal = createSeal(keys);
  for (let round = 0; round < 150; round++) {
    const plain = randomBytes(round < 100 ? round : Math.floor(Math.random() * 70_000));
    const sealed = seal.seal(plain);
    const iv = sealed.subarray(0, 16);
    const ciphertext = createCipheriv('aes-256-ctr', keys.encrypt, iv).update(plain);
    const once = createCipheriv('aes-128-ecb', keys.k, null).setAutoPadding(false).update(iv);
    expect(sealed.equals(Buffer.concat([iv, ciphertext, poly1305(keys.r, once, ciphertext)]))).toBe(true);
    expect(seal.open(sealed)?.equals(plain)).toBe(true);
  }
});

test('messages at the edges of the field are right', () => {
  const ones = Buffer.alloc(16, 255);
  for (const [r, length] of [
    [ones, 16],
    [ones, 48],
    [Buffer.alloc(16, 0), 33],
    [ones, 15],
    [noise(16), 0],
  ] as const) {
    const seal = createSeal({ ...keys, r });
    // The same key stream once more makes the ciphertext all ones.
    const iv = ones;
    const once = createCipheriv('aes-128-ecb', keys.k, null).setAutoPadding(false).update(iv);
    const ciphertext = Buffer.alloc(length, 255);
    expect(seal.open(Buffer.concat([iv, ciphertext, poly1305(r, once, ciphertext)]))?.length).toBe(length);
  }
});

test('what was changed or cut does not open', () => {
  const seal = createSeal(keys);
  const sealed = seal.seal(noise(1000));
  for (const at of [0, 15, 16, 500, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(seal.open(changed)).toBeUndefined();
  }
  expect(seal.open(sealed.subarray(0, -1))).toBeUndefined();
  expect(() => unseal(createSeal({ ...keys, k: noise(16, 6) }), 'index/abc', sealed)).toThrow(/index\/abc: the stored bytes are not those/);
});
