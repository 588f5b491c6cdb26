import pLimit from 'p-limit';
import { type BlobType, blobTypes, type IndexedPack, nameOf } from './blob.ts';
import type { BlobIndex } from './blob-index.ts';
import { sha256 } from './crypto.ts';
import { createFlight } from './flight.ts';
import { createGatherer, type Gatherer } from './gather.ts';
import { writeIndex } from './index-files.ts';
import { putProven } from './objects.ts';
import type { Opened } from './open.ts';
import { packKey } from './pack.ts';
import { batchesAtOnce, createPacker, type SentPack } from './threads.ts';

const parallelUploads = 3;
/** Of the packs that travel. */
const bytesInFlight = 40 * 1024 * 1024;
/** An index now and then, so that an interrupted run need not send everything again. */
const [blobsPerIndex, indexEveryMs] = [20_000, 600_000];

/** What was added to the repository for somebody; complete once everything is settled. */
export interface Tally {
  bytes: number;
}

interface Gathered {
  readonly id: string;
  readonly type: BlobType;
  readonly length: number;
  readonly tally: Tally | undefined;
}

/** Stores blobs, each once. A blob counts as there for others only after `flush`: its pack first, then the index that names it. */
export interface BlobWriter {
  /** Resolves with the id when the bytes have been copied, not when they are stored: they may then be overwritten. */
  save(type: BlobType, plain: Uint8Array, tally?: Tally): Promise<string>;
  has(id: string, type: BlobType): boolean;
  /** Everything saved so far is packed, or has failed. */
  settle(): Promise<void>;
  /** Everything saved so far is in the storage, proven, and indexed. */
  flush(): Promise<void>;
  /** Removes what no index names yet. */
  abort(): Promise<void>;
}

/** `prove`: whether every blob is opened again and compared before it is sent, and every pack read back afterwards where the storage has not confirmed its hash. `indexed` is told which index files were written. */
export function createBlobWriter(
  opened: Opened,
  index: BlobIndex,
  prove: boolean,
  signal: AbortSignal,
  indexed: (indexIds: readonly string[]) => void = () => undefined,
): BlobWriter {
  const { storage, seal } = opened;
  const packer = createPacker(seal, prove, storage.location);
  const pending = new Set<string>();
  const upload = pLimit(parallelUploads);
  const uploads = new Set<Promise<unknown>>();
  const packing = new Set<Promise<unknown>>();
  const flight = createFlight(bytesInFlight);
  const began = new Set<string>();
  const gather = (): Gatherer<Gathered> => createGatherer(batchesAtOnce, (slab, blobs) => follow(pack(slab, blobs), packing));
  const gatherers: Record<BlobType, Gatherer<Gathered>> = { data: gather(), tree: gather() };
  let shipping = Promise.resolve();
  let unindexed: IndexedPack[] = [];
  let indexedAt = Date.now();
  let failure: { readonly error: unknown } | undefined;

  function requireWorking(): void {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure.error;
  }

  /** An error is kept for whoever comes next. */
  async function follow<T>(work: Promise<T>, all: Set<Promise<unknown>>): Promise<T | undefined> {
    const settled = work.catch((error: unknown): undefined => void (failure ??= { error }));
    all.add(settled);
    const result = await settled;
    all.delete(settled);
    return result;
  }

  async function save(type: BlobType, plain: Uint8Array, tally?: Tally): Promise<string> {
    requireWorking();
    const id = sha256(plain);
    if (has(id, type)) return id;
    pending.add(nameOf({ id, type }));
    await gatherers[type].add(plain, { id, type, length: plain.length, tally });
    return id;
  }

  async function pack(bytes: Buffer, blobs: readonly Gathered[]): Promise<Buffer | undefined> {
    // What would become full meanwhile had to wait as well.
    await shipping;
    requireWorking();
    const described = blobs.map(({ id, type, length }) => ({ id, type, length }));
    const packed = await packer.pack({ bytes, blobs: described });
    packed.lengths.forEach((length, number) => {
      const tally = blobs[number]?.tally;
      if (tally !== undefined) tally.bytes += length;
    });
    shipping = shipping.then(() => shipAll(packed.packs));
    await shipping;
    return packed.bytes;
  }

  async function shipAll(packs: readonly SentPack[]): Promise<void> {
    for (const full of packs) await ship(full);
  }

  /** Resolves when there is room for it among those that travel. */
  async function ship(full: SentPack): Promise<void> {
    const { length } = full.bytes;
    await flight.enter(length);
    void follow(
      upload(() => send(full)).finally(() => flight.leave(length)),
      uploads,
    );
  }

  async function send(full: SentPack): Promise<void> {
    requireWorking();
    const { id, bytes, blobs } = full;
    began.add(packKey(id));
    await putProven(storage, packKey(id), bytes, id, signal, prove);
    full.release();
    unindexed.push({ id, blobs });
    const isMuch = unindexed.reduce((sum, pack) => sum + pack.blobs.length, 0) >= blobsPerIndex;
    if (isMuch || Date.now() - indexedAt > indexEveryMs) await writePending();
  }

  async function writePending(): Promise<void> {
    const packs = unindexed;
    unindexed = [];
    indexedAt = Date.now();
    if (packs.length === 0) return;
    const indexIds = await writeIndex(opened, packs);
    for (const pack of packs) {
      index.add(pack);
      began.delete(packKey(pack.id));
      for (const blob of pack.blobs) pending.delete(nameOf(blob));
    }
    indexed(indexIds);
  }

  function has(id: string, type: BlobType): boolean {
    return pending.has(nameOf({ id, type })) || index.has(id, type);
  }

  async function settle(): Promise<void> {
    for (const type of blobTypes) gatherers[type].send();
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
        await shipAll(await packer.finish());
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
