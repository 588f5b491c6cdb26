import { createCipheriv, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { DavitError } from '../../model/errors.ts';
import { release } from './memory.ts';
import { createKernels, polyKeyAt, polyTagAt } from './kernels.ts';

/** `encrypt` for AES-256; `k` and `r` for Poly1305-AES. */
export interface Keys {
  readonly encrypt: Buffer;
  readonly k: Buffer;
  readonly r: Buffer;
}

const ivBytes = 16;
const macBytes = 16;
/** By how much sealing lengthens. */
export const sealBytes = ivBytes + macBytes;

/** Restic's unit of encryption: IV, AES-256-CTR, Poly1305-AES of the ciphertext. Opening fails unless every byte is what was sealed with these keys. */
export interface Seal {
  readonly keys: Keys;
  seal(plain: Uint8Array): Buffer;
  /** `target` is `sealBytes` longer than what is sealed. */
  sealInto(target: Buffer, plain: Uint8Array): void;
  /** Undefined: these are not the keys, or not the bytes. */
  open(sealed: Buffer): Buffer | undefined;
  /** The same for whoever compares the hash of what comes out, which tells as much and costs once. */
  decrypt(sealed: Buffer): Buffer;
}

const stretchBytes = 64 * 1024;
const smallBytes = 16 * 1024;
const ivsAtOnce = 256;
const kernels = createKernels(stretchBytes + 2 * smallBytes + 64);
const memory = kernels.bytes;
const messageAt = kernels.start;
const counters = Buffer.allocUnsafeSlow(smallBytes);

export function createSeal(keys: Keys): Seal {
  const { encrypt, k, r } = keys;
  // One cipher for all: making one costs more than encrypting a small blob.
  const ofIv = createCipheriv('aes-128-ecb', k, null).setAutoPadding(false);
  const ofCounters = createCipheriv('aes-256-ecb', encrypt, null).setAutoPadding(false);

  function beginMac(iv: Uint8Array): void {
    memory.set(r, polyKeyAt);
    memory.set(ofIv.update(iv), polyKeyAt + 16);
    kernels.polyBegin();
  }

  /** Whether a message of that length, with counters from there on, is encrypted in the kernels' memory. */
  function isSmall(iv: Buffer, length: number): boolean {
    return length <= smallBytes && iv.readUInt32BE(12) + smallBytes / ivBytes < 2 ** 32;
  }

  /** The key stream of counter mode is the encrypted counters, of which the last 32 bits count here. */
  function layKeyStream(iv: Buffer, length: number): void {
    const stretch = counters.subarray(0, Math.ceil(length / ivBytes) * ivBytes);
    const first = iv.readUInt32BE(12);
    for (let at = 0, count = first; at < stretch.length; at += ivBytes, count++) {
      iv.copy(stretch, at, 0, 12);
      stretch.writeUInt32BE(count, at + 12);
    }
    memory.set(ofCounters.update(stretch), messageAt + smallBytes);
  }

  /** Random bytes for many at a time: asking for 16 costs as much as sealing a small file. */
  let fresh = Buffer.alloc(0);
  function newIv(): Buffer {
    if (fresh.length === 0) fresh = randomBytes(ivBytes * ivsAtOnce);
    const iv = fresh.subarray(0, ivBytes);
    fresh = fresh.subarray(ivBytes);
    return iv;
  }

  function sealInto(target: Buffer, plain: Uint8Array): void {
    const iv = newIv();
    iv.copy(target);
    if (isSmall(iv, plain.length)) {
      layKeyStream(iv, plain.length);
      memory.set(plain, messageAt);
      kernels.xor(messageAt, messageAt + smallBytes, plain.length);
      memory.copy(target, ivBytes, messageAt, messageAt + plain.length);
      beginMac(iv);
      finishMac(messageAt, plain.length);
    } else {
      const cipher = createCipheriv('aes-256-ctr', encrypt, iv);
      beginMac(iv);
      for (const { piece, at, isLast } of stretchesOf(plain)) {
        const ciphertext = cipher.update(piece);
        target.set(ciphertext, ivBytes + at);
        authenticate(ciphertext, isLast);
        release(ciphertext);
      }
    }
    memory.copy(target, ivBytes + plain.length, polyTagAt, polyTagAt + macBytes);
  }

  function decrypt(sealed: Buffer): Buffer {
    const iv = sealed.subarray(0, ivBytes);
    const ciphertext = sealed.subarray(ivBytes, sealed.length - macBytes);
    if (!isSmall(iv, ciphertext.length)) return createCipheriv('aes-256-ctr', encrypt, iv).update(ciphertext);
    layKeyStream(iv, ciphertext.length);
    memory.set(ciphertext, messageAt);
    kernels.xor(messageAt, messageAt + smallBytes, ciphertext.length);
    return Buffer.from(memory.subarray(messageAt, messageAt + ciphertext.length));
  }

  return {
    keys,
    decrypt,
    sealInto,
    seal(plain) {
      const sealed = Buffer.allocUnsafe(plain.length + sealBytes);
      sealInto(sealed, plain);
      return sealed;
    },
    open(sealed) {
      if (sealed.length < sealBytes) return undefined;
      beginMac(sealed.subarray(0, ivBytes));
      for (const { piece, isLast } of stretchesOf(sealed.subarray(ivBytes, sealed.length - macBytes))) authenticate(piece, isLast);
      const isRight = timingSafeEqual(memory.subarray(polyTagAt, polyTagAt + macBytes), sealed.subarray(sealed.length - macBytes));
      return isRight ? decrypt(sealed) : undefined;
    },
  };
}

/** What is encrypted and authenticated piece by piece is still in the processor's cache. An empty message is one piece. */
function* stretchesOf(message: Uint8Array): Generator<{ readonly piece: Uint8Array; readonly at: number; readonly isLast: boolean }> {
  for (let at = 0; at === 0 || at < message.length; at += stretchBytes)
    yield { piece: message.subarray(at, at + stretchBytes), at, isLast: at + stretchBytes >= message.length };
}

/** Of a message that lies in the kernels' memory, after what went before. */
function finishMac(at: number, length: number): void {
  const whole = length & ~15;
  kernels.polyBlocks(at, at + whole);
  kernels.polyEnd(at + whole, length - whole);
}

/** Only the last piece of a message may end within a block. */
function authenticate(piece: Uint8Array, isLast: boolean): void {
  memory.set(piece, messageAt);
  if (isLast) finishMac(messageAt, piece.length);
  else kernels.polyBlocks(messageAt, messageAt + piece.length);
}

/** Opens what must open. */
export function unseal(seal: Seal, where: string, sealed: Buffer, fix = 'use another snapshot, and check the storage'): Buffer {
  const plain = seal.open(sealed);
  if (plain !== undefined) return plain;
  throw new DavitError({
    where,
    what: 'the stored bytes are not those that were written with the key of this repository',
    fix,
  });
}

export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
