import pLimit from 'p-limit';
import { type BlobType, blobTypes, type IndexedPack } from './blob.ts';
import { openSealed } from './blob-reader.ts';
import type { BlobIndex } from './blob-index.ts';
import { compress } from './compression.ts';
import { sha256 } from './crypto.ts';
import { createFlight } from './flight.ts';
import { writeIndex } from './index-files.ts';
import { putProven } from './objects.ts';
import type { Opened } from './open.ts';
import { release } from './release.ts';
import { createPack, type FullPack, type Pack, packKey } from './pack.ts';

const parallelUploads = 3;
/** What waits, is packed or travels at once: a pack of each type that is not full yet, and some that are on their way. */
const bytesInFlight = 64 * 1024 * 1024;
/** An index now and then, so that an interrupted run need not send everything again. */
const [blobsPerIndex, indexEveryMs] = [50_000, 600_000];

/** What was added to the repository for somebody; complete once everything is settled. */
export interface Tally {
  bytes: number;
}

/** Stores blobs, each once. A blob counts as there for others only after `flush`: its pack first, then the index that names it. */
export interface BlobWriter {
  /** Resolves with the id when there is room for the blob, not when it is stored; the bytes belong to the writer from then on. */
  save(type: BlobType, plain: Buffer, tally?: Tally): Promise<string>;
  has(id: string): boolean;
  /** Everything saved so far is sealed, or has failed. */
  settle(): Promise<void>;
  /** Everything saved so far is in the storage, proven, and indexed. */
  flush(): Promise<void>;
  /** Removes what no index names yet. */
  abort(): Promise<void>;
}

/** `prove`: whether every blob is opened again and compared before it is sent. */
export function createBlobWriter(opened: Opened, index: BlobIndex, prove: boolean, signal: AbortSignal): BlobWriter {
  const { storage, seal } = opened;
  const open: Record<BlobType, Pack> = { data: createPack('data'), tree: createPack('tree') };
  const pending = new Set<string>();
  const upload = pLimit(parallelUploads);
  const uploads = new Set<Promise<void>>();
  const sealing = new Set<Promise<unknown>>();
  const flight = createFlight(bytesInFlight);
  const began = new Set<string>();
  let unindexed: IndexedPack[] = [];
  let indexedAt = Date.now();
  let failure: { readonly error: unknown } | undefined;

  function requireWorking(): void {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure.error;
  }

  async function save(type: BlobType, plain: Buffer, tally?: Tally): Promise<string> {
    requireWorking();
    const id = sha256(plain);
    if (has(id)) return id;
    pending.add(id);
    await flight.enter(plain.length);
    const sealed = sealBlob(type, id, plain, tally).catch((error: unknown) => void (failure ??= { error }));
    sealing.add(sealed);
    void sealed.then(() => sealing.delete(sealed));
    return id;
  }

  async function sealBlob(type: BlobType, id: string, plain: Buffer, tally?: Tally): Promise<void> {
    const plainLength = plain.length;
    let sealed: Buffer;
    try {
      const frame = await compress(plain);
      sealed = seal.seal(frame ?? plain);
      if (prove) release(openSealed(seal, storage.location, id, frame === undefined ? 0 : plainLength, sealed));
      open[type].add(id, sealed, frame === undefined ? 0 : plainLength);
    } catch (error) {
      flight.leave(plainLength);
      throw error;
    }
    release(plain);
    flight.leave(plainLength - sealed.length);
    if (tally !== undefined) tally.bytes += sealed.length;
    if (open[type].isFull()) ship(type);
  }

  function ship(type: BlobType): void {
    const pack = open[type].close(seal);
    open[type] = createPack(type);
    const bytes = pack.blobs.reduce((sum, { length }) => sum + length, 0);
    const sending = upload(() => send(pack))
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => flight.leave(bytes));
    uploads.add(sending);
    void sending.then(() => uploads.delete(sending));
  }

  async function send({ id, pieces, blobs }: FullPack): Promise<void> {
    requireWorking();
    began.add(packKey(id));
    await putProven(storage, packKey(id), pieces, id, signal);
    pieces.forEach(release);
    unindexed.push({ id, blobs });
    const isMuch = unindexed.reduce((sum, pack) => sum + pack.blobs.length, 0) >= blobsPerIndex;
    if (isMuch || Date.now() - indexedAt > indexEveryMs) await writePending();
  }

  async function writePending(): Promise<void> {
    const packs = unindexed;
    unindexed = [];
    indexedAt = Date.now();
    if (packs.length === 0) return;
    await writeIndex(opened, packs);
    for (const pack of packs) {
      index.add(pack);
      began.delete(packKey(pack.id));
      for (const { id } of pack.blobs) pending.delete(id);
    }
  }

  function has(id: string): boolean {
    return pending.has(id) || index.has(id);
  }

  async function settle(): Promise<void> {
    await Promise.all(sealing);
    requireWorking();
  }

  return {
    save,
    has,
    settle,
    async flush() {
      await settle();
      for (const type of blobTypes) if (!open[type].isEmpty()) ship(type);
      await Promise.all(uploads);
      requireWorking();
      await writePending();
    },
    async abort() {
      await Promise.all([...sealing, ...uploads]);
      await storage.remove([...began]);
    },
  };
}
