import pLimit from 'p-limit';
import { z } from 'zod';
import { DavitError } from '../../model/errors.ts';
import { MissingObject } from '../../storage/storage.ts';
import type { BlobLocation, BlobType, IndexedPack } from './blob.ts';
import type { BlobIndex } from './blob-index.ts';
import { getJson, idOf, listFiles, putText } from './objects.ts';
import type { Opened } from './open.ts';

export const indexFolder = 'index';
const parallelReads = 8;
const blobsPerFile = 50_000;

interface BlobJson {
  readonly id: string;
  readonly type: BlobType;
  readonly offset: number;
  readonly length: number;
  readonly uncompressed_length?: number;
}

const idPattern = /^[0-9a-f]{64}$/;
const isLength = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
/** One function for all: there may be millions of them, and a schema for each takes its time. */
function areBlobs(value: unknown): value is BlobJson[] {
  return (
    Array.isArray(value) &&
    value.every(
      (blob: Partial<BlobJson> | null) =>
        typeof blob?.id === 'string' &&
        idPattern.test(blob.id) &&
        (blob.type === 'data' || blob.type === 'tree') &&
        isLength(blob.offset) &&
        isLength(blob.length) &&
        isLength(blob.uncompressed_length ?? 0),
    )
  );
}
const indexSchema = z.object({
  packs: z.array(z.object({ id: z.string().regex(idPattern), blobs: z.custom<BlobJson[]>(areBlobs) })).nullish(),
});

export async function readIndexFile({ storage, seal }: Opened, key: string): Promise<IndexedPack[]> {
  const fix = 'check the storage, and run `restic repair index`';
  const { data, error } = indexSchema.safeParse(await getJson(storage, seal, key, fix));
  if (error) throw new DavitError({ where: `${storage.location}/${key}`, what: 'is no index', fix });
  return (data.packs ?? []).map((pack) => ({
    id: pack.id,
    blobs: pack.blobs.map(({ id, type, offset, length, uncompressed_length: plainLength = 0 }) => ({
      id,
      type,
      pack: pack.id,
      offset,
      length,
      plainLength,
    })),
  }));
}

/**
 * Adds what index files say that were not read before; `read` remembers them. False: one of those is gone, so somebody has pruned, and what is known may not
 * hold any more.
 */
export async function loadIndex(opened: Opened, index: BlobIndex, read: Set<string>): Promise<boolean> {
  const limit = pLimit(parallelReads);
  const unread: string[] = [];
  const gone = new Set(read);
  for await (const { key } of listFiles(opened.storage, indexFolder)) if (!gone.delete(idOf(key))) unread.push(key);
  async function load(key: string): Promise<void> {
    try {
      (await readIndexFile(opened, key)).forEach(index.add);
      read.add(idOf(key));
    } catch (error) {
      if (!(error instanceof MissingObject)) throw error;
      gone.add(idOf(key));
    }
  }
  await Promise.all(unread.map((key) => limit(() => load(key))));
  return gone.size === 0;
}

/** Resolves with the ids of the files. */
export async function writeIndex({ storage, seal }: Opened, packs: readonly IndexedPack[]): Promise<string[]> {
  const ids: string[] = [];
  // As text at once: tens of thousands of objects would wait for it otherwise.
  let batch: string[] = [];
  let blobs = 0;
  for (const [number, pack] of packs.entries()) {
    batch.push(JSON.stringify({ id: pack.id, blobs: pack.blobs.map(describe) }));
    blobs += pack.blobs.length;
    if (blobs < blobsPerFile && number < packs.length - 1) continue;
    ids.push(await putText(storage, seal, indexFolder, `{"packs":[${batch.join(',')}]}`));
    [batch, blobs] = [[], 0];
  }
  return ids;
}

function describe({ id, type, offset, length, plainLength }: BlobLocation): { id: string; type: BlobType; offset: number; length: number } {
  return { id, type, offset, length, ...(plainLength === 0 ? {} : { uncompressed_length: plainLength }) };
}
