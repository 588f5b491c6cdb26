import pLimit from 'p-limit';
import type { BlobType, IndexedPack } from './blob.ts';
import type { BlobIndex } from './blob-index.ts';
import { sha256 } from './crypto.ts';
import { createFlight } from './flight.ts';
import { writeIndex } from './index-files.ts';
import { putProven } from './objects.ts';
import type { Opened } from './open.ts';
import { type FullPack, packKey, releasePack } from './pack.ts';
import { createPacker } from './threads.ts';

const parallelUploads = 3;
/** What waits to be packed, and the full packs that travel. */
const bytesInFlight = 48 * 1024 * 1024;
/** Small blobs go together, because each message to a thread has its price. */
const batchBytes = 256 * 1024;
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
  /** Everything saved so far is packed, or has failed. */
  settle(): Promise<void>;
  /** Everything saved so far is in the storage, proven, and indexed. */
  flush(): Promise<void>;
  /** Removes what no index names yet. */
  abort(): Promise<void>;
}

/** `prove`: whether every blob is opened again and compared before it is sent, and every pack read back afterwards where the storage has not confirmed its hash. */
export function createBlobWriter(opened: Opened, index: BlobIndex, prove: boolean, signal: AbortSignal): BlobWriter {
  const { storage, seal } = opened;
  const packer = createPacker(seal, prove, storage.location);
  const pending = new Set<string>();
  const upload = pLimit(parallelUploads);
  const uploads = new Set<Promise<void>>();
  const packing = new Set<Promise<void>>();
  const flight = createFlight(bytesInFlight);
  const began = new Set<string>();
  let waiting: { readonly id: string; readonly type: BlobType; readonly plain: Buffer; readonly tally: Tally | undefined }[] = [];
  let waitingBytes = 0;
  let unindexed: IndexedPack[] = [];
  let indexedAt = Date.now();
  let failure: { readonly error: unknown } | undefined;

  function requireWorking(): void {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure.error;
  }

  function follow(work: Promise<void>, all: Set<Promise<void>>): void {
    const settled = work.catch((error: unknown) => void (failure ??= { error }));
    all.add(settled);
    void settled.then(() => all.delete(settled));
  }

  async function save(type: BlobType, plain: Buffer, tally?: Tally): Promise<string> {
    requireWorking();
    const id = sha256(plain);
    if (has(id)) return id;
    pending.add(id);
    await flight.enter(plain.length);
    waiting.push({ id, type, plain, tally });
    waitingBytes += plain.length;
    if (waitingBytes >= batchBytes) packWaiting();
    return id;
  }

  function packWaiting(): void {
    const [blobs, bytes] = [waiting, waitingBytes];
    [waiting, waitingBytes] = [[], 0];
    if (blobs.length > 0) follow(pack(blobs, bytes), packing);
  }

  async function pack(blobs: typeof waiting, plainBytes: number): Promise<void> {
    let shipped = 0;
    try {
      const described = blobs.map(({ id, type, plain }) => ({ id, type, length: plain.length }));
      const { lengths, packs } = await packer.pack({ bytes: joined(blobs.map(({ plain }) => plain)), blobs: described });
      lengths.forEach((length, number) => {
        const tally = blobs[number]?.tally;
        if (tally !== undefined) tally.bytes += length;
      });
      shipped = packs.reduce((sum, { bytes }) => sum + bytes.length, 0);
      packs.forEach(ship);
    } finally {
      flight.leave(plainBytes - shipped);
    }
  }

  function ship(full: FullPack): void {
    const { length } = full.bytes;
    follow(
      upload(() => send(full)).finally(() => flight.leave(length)),
      uploads,
    );
  }

  async function send(full: FullPack): Promise<void> {
    requireWorking();
    const { id, bytes, blobs } = full;
    began.add(packKey(id));
    await putProven(storage, packKey(id), bytes, id, signal, prove);
    releasePack(full);
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
    packWaiting();
    await Promise.all(packing);
    requireWorking();
  }

  return {
    save,
    has,
    settle,
    async flush() {
      try {
        await settle();
        for (const full of await packer.finish()) {
          flight.leave(-full.bytes.length);
          ship(full);
        }
        await Promise.all(uploads);
        requireWorking();
      } finally {
        await packer.stop();
      }
      await writePending();
    },
    async abort() {
      await packer.stop();
      await Promise.all([...packing, ...uploads]);
      await storage.remove([...began]);
    },
  };
}

/** In memory that only they are in: it may go to another thread. */
function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces;
  if (pieces.length === 1 && only?.length === only?.buffer.byteLength) return only as Buffer;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const all = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const piece of pieces) at += piece.copy(all, at);
  return all;
}
