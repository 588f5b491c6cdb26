import { type BlobLocation, type IndexedPack, nameOf } from './blob.ts';

export interface PrunePlan {
  readonly keep: readonly IndexedPack[];
  /** What is needed of these goes into new packs; then they go. */
  readonly repack: readonly IndexedPack[];
  readonly remove: readonly IndexedPack[];
}

/** So much of what stays may be waste: moving more would cost more than it saves. Restic's own measure. */
const toleratedWaste = 0.05;

/** Which packs stay. A blob that lies in several packs is needed in one of them only, the fullest. */
export function planPrune(packs: readonly IndexedPack[], isUsed: (blob: BlobLocation) => boolean): PrunePlan {
  const taken = new Set<string>();
  const judged = packs
    .map((pack) => ({ pack, ...weigh(pack, isUsed) }))
    .toSorted((a, b) => b.share - a.share)
    .map(({ pack }) => ({
      pack,
      ...weigh(pack, (blob) => isUsed(blob) && !taken.has(nameOf(blob)) && taken.add(nameOf(blob)) !== undefined),
    }));
  const needed = judged.filter(({ used }) => used > 0);
  let waste = needed.reduce((sum, { used, total }) => sum + total - used, 0);
  const tolerated = needed.reduce((sum, { used }) => sum + used, 0) * toleratedWaste;
  const repack = new Set<IndexedPack>();
  for (const { pack, used, total } of needed.toSorted((a, b) => a.share - b.share)) {
    if (waste <= tolerated) break;
    if (used === total) continue;
    repack.add(pack);
    waste -= total - used;
  }
  return {
    keep: needed.map(({ pack }) => pack).filter((pack) => !repack.has(pack)),
    repack: [...repack],
    remove: judged.filter(({ used }) => used === 0).map(({ pack }) => pack),
  };
}

function weigh({ blobs }: IndexedPack, isUsed: (blob: BlobLocation) => boolean): { used: number; total: number; share: number } {
  const total = blobs.reduce((sum, { length }) => sum + length, 0);
  const used = blobs.reduce((sum, blob) => sum + (isUsed(blob) ? blob.length : 0), 0);
  return { used, total, share: total === 0 ? 0 : used / total };
}
