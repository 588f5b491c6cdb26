import { describe, expect, test } from 'vitest';
import type { BlobLocation } from '../../../src/repository/restic/blob.ts';
import { createBlobIndex } from '../../../src/repository/restic/blob-index.ts';
import { createBlobWriter } from '../../../src/repository/restic/blob-writer.ts';
import { createSeal } from '../../../src/repository/restic/crypto.ts';
import type { Opened } from '../../../src/repository/restic/open.ts';
import { planPrune } from '../../../src/repository/restic/prune-plan.ts';
import { sha256 } from '../../support/bytes.ts';

function packOf(name: string, blobs: readonly (readonly [string, number])[]) {
  let offset = 0;
  const id = sha256(Buffer.from(name));
  const located = blobs.map(([blob, length]): BlobLocation => {
    const location = { id: sha256(Buffer.from(blob)), type: 'data', pack: id, offset, length, plainLength: 0 } as const;
    offset += length;
    return location;
  });
  return { id, blobs: located };
}

test('the index finds every blob of many, and nothing else', () => {
  const index = createBlobIndex();
  const packs = Array.from({ length: 60 }, (_, pack) =>
    packOf(
      `pack ${pack}`,
      Array.from({ length: 100 }, (_, blob) => [`${pack}/${blob}`, blob + 33]),
    ),
  );
  packs.forEach(index.add);
  for (const { blobs } of packs) for (const blob of blobs) expect(index.find(blob.id)).toEqual(blob);
  expect(index.has(sha256(Buffer.from('60/0')))).toBe(false);
  expect(index.packBytes(packs[0]?.id ?? '')).toBe(Array.from({ length: 100 }, (_, n) => n + 33).reduce((a, b) => a + b) + 100 * 37 + 36);
  index.add({ id: sha256(Buffer.from('copy')), blobs: [{ ...(packs[3]?.blobs[3] as BlobLocation), pack: sha256(Buffer.from('copy')) }] });
  expect(index.find(packs[3]?.blobs[3]?.id ?? '')?.pack).toBe(packs[3]?.id);
});

test('what a lost pack held nobody has, until another pack has it, or the pack is there again', () => {
  const index = createBlobIndex();
  const [old, moved] = [
    packOf('old', [
      ['a', 50],
      ['b', 60],
    ]),
    packOf('moved', [['b', 60]]),
  ];
  const [a = '', b = ''] = old.blobs.map(({ id }) => id);
  index.add(old);
  expect(index.unreplaced()).toEqual([]);
  expect([index.loseOnly([old.id]), index.loseOnly([old.id])]).toEqual([true, false]);
  expect([index.has(a), index.find(a), index.has(b)]).toEqual([false, old.blobs[0], false]);
  index.add(moved);
  index.add(old);
  expect([index.has(a), index.has(b), index.find(b)]).toEqual([false, true, moved.blobs[0]]);
  expect(index.unreplaced()).toEqual([old.id]);
  expect(index.loseOnly([])).toBe(false);
  expect([index.has(a), index.unreplaced()]).toEqual([true, []]);
});

test('what was not sealed rightly is noticed before it is sent, where that is wanted', async () => {
  const seal = createSeal({ encrypt: Buffer.alloc(32, 1), k: Buffer.alloc(16, 2), r: Buffer.alloc(16, 3) });
  const faulty = {
    ...seal,
    sealInto(target: Buffer, plain: Uint8Array): void {
      seal.sealInto(target, plain);
      target.fill(0, 20, 21);
    },
  };
  const opened = { seal: faulty, storage: { location: 'file:///x' } } as unknown as Opened;
  const write = async (prove: boolean): Promise<void> => {
    const blobs = createBlobWriter(opened, createBlobIndex(), prove, new AbortController().signal);
    await blobs.save('data', Buffer.from('some bytes that are to be kept'));
    await blobs.settle();
  };
  await expect(write(true)).rejects.toThrow(/the stored bytes are not those that were written/);
  await expect(write(false)).resolves.toBe(undefined);
});

describe('what a prune does with packs', () => {
  const used = (...names: string[]) => {
    const ids = new Set(names.map((name) => sha256(Buffer.from(name))));
    return ({ id }: BlobLocation) => ids.has(id);
  };
  const [full, half, none, copy] = [
    packOf('full', [
      ['a', 1000],
      ['b', 1000],
    ]),
    packOf('half', [
      ['c', 100],
      ['d', 900],
    ]),
    packOf('none', [['e', 5]]),
    packOf('copy', [
      ['a', 1000],
      ['f', 10],
    ]),
  ] as const;

  test('full ones stay, useless ones go, and what is mostly waste is packed again', () => {
    expect(planPrune([half, none, full], used('a', 'b', 'c'))).toEqual({ keep: [full], repack: [half], remove: [none] });
  });
  test('little waste stays', () => {
    expect(planPrune([full, half], used('a', 'b', 'd'))).toEqual({ keep: [full, half], repack: [], remove: [] });
  });
  test('of a blob that lies twice, one copy goes', () => {
    expect(planPrune([copy, full], used('a', 'b'))).toEqual({ keep: [full], repack: [], remove: [copy] });
  });
});
