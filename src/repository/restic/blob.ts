export const blobTypes = ['data', 'tree'] as const;
export type BlobType = (typeof blobTypes)[number];

export interface BlobLocation {
  readonly id: string;
  readonly type: BlobType;
  readonly pack: string;
  readonly offset: number;
  /** As it lies there, sealed. */
  readonly length: number;
  /** Before compression; 0: it is not compressed. */
  readonly plainLength: number;
}

/** For restic, a tree and the content of a file with the same bytes are two blobs. */
export function nameOf({ id, type }: Pick<BlobLocation, 'id' | 'type'>): string {
  return type === 'tree' ? `${id} tree` : id;
}

export interface IndexedPack {
  readonly id: string;
  readonly blobs: readonly BlobLocation[];
}
