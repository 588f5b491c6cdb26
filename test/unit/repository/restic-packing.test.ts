import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { BlobType } from '../../../src/repository/restic/blob.ts';
import { openSealed } from '../../../src/repository/restic/blob-reader.ts';
import { compress, decompress } from '../../../src/repository/restic/compression.ts';
import { createSeal, type Keys } from '../../../src/repository/restic/crypto.ts';
import { createGatherer } from '../../../src/repository/restic/gather.ts';
import { createPacker, type SentPack } from '../../../src/repository/restic/threads.ts';
import { noise, sha256 } from '../../support/bytes.ts';

const keys: Keys = { encrypt: Buffer.alloc(32, 1), k: Buffer.alloc(16, 2), r: Buffer.alloc(16, 3) };
const seal = createSeal(keys);

test('a context that is kept makes frames like any other, also after one that it could not read', () => {
  for (let length = 100; length < 300_000; length = Math.floor(length * 1.7)) {
    const plain = Buffer.alloc(length, noise(29, length));
    const frame = Buffer.from(compress(plain) ?? '');
    expect(zstdDecompressSync(frame).equals(plain)).toBe(true);
    expect(decompress(frame, length).equals(plain)).toBe(true);
    expect(() => decompress(frame.subarray(0, -1), length)).toThrow();
    expect(() => decompress(noise(50), length)).toThrow();
    expect(() => decompress(frame, length - 1)).toThrow();
  }
});

function blobOf(number: number): { type: BlobType; plain: Buffer } {
  const type = number % 7 === 0 ? 'tree' : 'data';
  return { type, plain: number % 3 === 0 ? Buffer.alloc(700_000 + number, `text ${number}`) : noise(700_000 + number, number) };
}

test('what several threads pack is in their packs, each blob once', async () => {
  const packer = createPacker(seal, true, 'here');
  const packs: SentPack[] = [];
  const wanted = new Map<string, Buffer>();
  const packing: Promise<void>[] = [];
  for (let number = 0; number < 60; number++) {
    const { type, plain } = blobOf(number);
    const id = sha256(plain);
    wanted.set(id, plain);
    const bytes = Buffer.alloc(plain.length + 100);
    plain.copy(bytes);
    const packed = packer.pack({ bytes, blobs: [{ id, type, length: plain.length }] });
    packing.push(packed.then((sent) => void packs.push(...sent.packs)));
  }
  await Promise.all(packing);
  packs.push(...(await packer.finish()));
  for (const { id, bytes, blobs } of packs) {
    expect(sha256(bytes)).toBe(id);
    expect(bytes.length).toBeLessThan(17 * 1024 * 1024);
    expect(new Set(blobs.map(({ type }) => type)).size).toBe(1);
    for (const blob of blobs) {
      const sealed = bytes.subarray(blob.offset, blob.offset + blob.length);
      expect(openSealed(seal, 'here', blob.id, blob.plainLength, sealed).equals(wanted.get(blob.id) ?? Buffer.alloc(0))).toBe(true);
      wanted.delete(blob.id);
    }
  }
  expect(wanted.size).toBe(0);
});

test('an error in a thread is said like one here, and a thread that was ended answers nothing', async () => {
  const ask = (packer: ReturnType<typeof createPacker>, id: string) =>
    packer.pack({ bytes: Buffer.alloc(9_000_000), blobs: [{ id, type: 'data', length: 9_000_000 }] });
  const packer = createPacker(seal, true, 'here');
  // It is not what its id says.
  await expect(ask(packer, sha256(Buffer.from('another')))).rejects.toThrow(/here: blob \w+ is not what was stored/);
  // As many as wait for a thread at most: it has not come to the last one by then, also on a busy machine.
  const answers = Array.from({ length: 3 }, () => ask(packer, sha256(Buffer.alloc(9_000_000))));
  const [settled] = await Promise.all([Promise.allSettled(answers), packer.stop()]);
  expect(settled.at(-1)).toMatchObject({
    status: 'rejected',
    reason: { message: expect.stringContaining('a thread that packs has ended') },
  });
});

test('blobs are gathered in order, and few slabs exist at once', async () => {
  const seen: number[] = [];
  const slabs = new Set<ArrayBufferLike>();
  const waiting: (() => void)[] = [];
  const gatherer = createGatherer<{ number: number; length: number }>(4, async (slab, things) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    slabs.add(slab.buffer);
    let at = 0;
    for (const { number, length } of things) {
      expect(slab.subarray(at, at + length).equals(Buffer.alloc(length, number))).toBe(true);
      seen.push(number);
      at += length;
    }
    return slab;
  });
  const lengths = Array.from({ length: 200 }, (_, number) => (number % 50 === 49 ? 9_000_000 : 40_000));
  let added = 0;
  const adding = (async () => {
    for (const [number, length] of lengths.entries()) {
      await gatherer.add(Buffer.alloc(length, number), { number, length });
      added++;
    }
    gatherer.send();
  })();
  await new Promise((resolve) => setImmediate(resolve));
  expect(added).toBeLessThan(150);
  while (seen.length < lengths.length) {
    waiting.splice(0).forEach((resolve) => resolve());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await adding;
  expect(seen).toEqual(lengths.keys().toArray());
  expect(slabs.size).toBeLessThanOrEqual(8);
});
