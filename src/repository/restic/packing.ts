import { type BlobType, blobTypes } from './blob.ts';
import { openSealed } from './blob-reader.ts';
import { compress } from './compression.ts';
import { type Seal, sealBytes } from './crypto.ts';
import { release } from './memory.ts';
import { createPack, createSpare, type FullPack, type Pack } from './pack.ts';

/** Some blobs, one after another, with room behind them. */
export interface Batch {
  readonly bytes: Buffer;
  readonly blobs: readonly { readonly id: string; readonly type: BlobType; readonly length: number }[];
}

export interface Packed {
  /** Of each blob of the batch, as it lies in its pack. */
  readonly lengths: readonly number[];
  /** What became full with it. */
  readonly packs: readonly FullPack[];
}

/** What costs: blobs are compressed, sealed, proven and packed. */
export interface Packing {
  add(batch: Batch): Packed;
  /** What is not full yet. */
  finish(): FullPack[];
  /** Gives back the memory of a pack. */
  reuse(memory: ArrayBuffer): void;
}

/** `prove`: whether every blob is opened again and compared. `where` is said when one is not what it was. */
export function createPacking(seal: Seal, prove: boolean, where: string): Packing {
  const spare = createSpare();
  const open: Partial<Record<BlobType, Pack>> = {};

  function addOne(id: string, type: BlobType, plain: Buffer, full: FullPack[]): number {
    const frame = compress(plain);
    const plainLength = frame === undefined ? 0 : plain.length;
    const stored = frame ?? plain;
    if (open[type]?.fits(stored.length + sealBytes) === false) full.push(...close(type));
    const sealed = (open[type] ??= createPack(type, seal, spare)).add(id, stored, plainLength);
    if (prove) release(openSealed(seal, where, id, plainLength, sealed));
    return sealed.length;
  }

  function close(type: BlobType): FullPack[] {
    const pack = open[type];
    delete open[type];
    return pack === undefined ? [] : [pack.close()];
  }

  return {
    add({ bytes, blobs }) {
      const packs: FullPack[] = [];
      const lengths: number[] = [];
      let at = 0;
      for (const { id, type, length } of blobs) {
        lengths.push(addOne(id, type, bytes.subarray(at, at + length), packs));
        at += length;
      }
      return { lengths, packs };
    },
    finish: () => blobTypes.flatMap(close),
    reuse: spare.give,
  };
}
