import { type Cipheriv, createCipheriv, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { DavitError } from '../../model/errors.ts';
import { release } from './release.ts';
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
  seal(plain: Uint8Array): Buffer;
  /** Undefined: these are not the keys, or not the bytes. */
  open(sealed: Uint8Array): Buffer | undefined;
}

const stretchBytes = 64 * 1024;
const smallBytes = 16 * 1024;
const ivsAtOnce = 256;
const kernels = createKernels(stretchBytes + 2 * smallBytes + 64);
const memory = kernels.bytes;
const messageAt = kernels.start;

export function createSeal({ encrypt, k, r }: Keys): Seal {
  // One cipher for all: making one costs more than encrypting a small blob.
  const ofIv = createCipheriv('aes-128-ecb', k, null).setAutoPadding(false);
  const ofCounters = createCipheriv('aes-256-ecb', encrypt, null).setAutoPadding(false);

  function mac(iv: Uint8Array, ciphertext: Uint8Array): Buffer {
    memory.set(r, polyKeyAt);
    memory.set(ofIv.update(iv), polyKeyAt + 16);
    return poly1305(ciphertext);
  }

  function crypt(iv: Uint8Array, input: Uint8Array): Buffer {
    const blocks = Math.ceil(input.length / ivBytes);
    const first = Buffer.from(iv).readUInt32BE(12);
    if (input.length <= smallBytes && first + blocks < 2 ** 32)
      return cryptSmall(ofCounters, Buffer.alloc(blocks * ivBytes, iv), first, input);
    return createCipheriv('aes-256-ctr', encrypt, iv).update(input);
  }

  /** Random bytes for many at a time: asking for 16 costs as much as sealing a small file. */
  let fresh = Buffer.alloc(0);
  function newIv(): Buffer {
    if (fresh.length === 0) fresh = randomBytes(ivBytes * ivsAtOnce);
    const iv = fresh.subarray(0, ivBytes);
    fresh = fresh.subarray(ivBytes);
    return iv;
  }

  return {
    seal(plain) {
      const iv = newIv();
      const ciphertext = crypt(iv, plain);
      const sealed = Buffer.concat([iv, ciphertext, mac(iv, ciphertext)]);
      release(ciphertext);
      return sealed;
    },
    open(sealed) {
      if (sealed.length < sealBytes) return undefined;
      const iv = sealed.subarray(0, ivBytes);
      const ciphertext = sealed.subarray(ivBytes, sealed.length - macBytes);
      if (!timingSafeEqual(mac(iv, ciphertext), sealed.subarray(sealed.length - macBytes))) return undefined;
      return crypt(iv, ciphertext);
    },
  };
}

/** The key stream of counter mode is the encrypted counters, of which the last 32 bits count here. */
function cryptSmall(ofCounters: Cipheriv, counters: Buffer, first: number, input: Uint8Array): Buffer {
  for (let at = 12, count = first; at < counters.length; at += ivBytes, count++) counters.writeUInt32BE(count, at);
  memory.set(input, messageAt);
  memory.set(ofCounters.update(counters), messageAt + smallBytes);
  kernels.xor(messageAt, messageAt + smallBytes, input.length);
  return Buffer.from(memory.subarray(messageAt, messageAt + input.length));
}

/** Of a message whose key already lies in the memory. */
function poly1305(message: Uint8Array): Buffer {
  kernels.polyBegin();
  const whole = message.length & ~15;
  for (let at = 0; at < whole; at += stretchBytes) {
    const stretch = message.subarray(at, Math.min(at + stretchBytes, whole));
    memory.set(stretch, messageAt);
    kernels.polyBlocks(messageAt, messageAt + stretch.length);
  }
  memory.set(message.subarray(whole), messageAt);
  kernels.polyEnd(messageAt, message.length - whole);
  return Buffer.from(memory.subarray(polyTagAt, polyTagAt + macBytes));
}

/** Opens what must open. */
export function unseal(seal: Seal, where: string, sealed: Uint8Array): Buffer {
  const plain = seal.open(sealed);
  if (plain !== undefined) return plain;
  throw new DavitError({
    where,
    what: 'the stored bytes are not those that were written with the key of this repository',
    fix: 'use another snapshot, and check the storage',
  });
}

export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
