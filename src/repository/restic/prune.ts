import { DavitError, factOf } from '../../model/errors.ts';
import { blobTypes, type IndexedPack, nameOf } from './blob.ts';
import { LostBlob, missingBlob, openBlob } from './blob-reader.ts';
import { indexFolder, readIndexFile, writeIndex } from './index-files.ts';
import { release } from './memory.ts';
import { getWhole, idOf, listFiles, putProven } from './objects.ts';
import { createPack, packKey } from './pack.ts';
import { planPrune, type PrunePlan } from './prune-plan.ts';
import type { Session } from './session.ts';
import type { Snapshot } from './snapshots.ts';
import { blobsBelow } from './walk.ts';

/**
 * Removes every blob that none of these snapshots needs. The caller holds an exclusive lock. In this order, so that a crash at any point leaves a whole
 * repository: new packs, a new index, the old indexes, the old packs.
 */
export async function prune(session: Session, snapshots: readonly Snapshot[], signal?: AbortSignal): Promise<void> {
  const { storage } = session;
  const lost = await session.takeStock();
  const used = await usedBlobs(session, snapshots, signal);
  const indexKeys: string[] = [];
  const packs = new Map<string, IndexedPack>();
  for await (const { key } of listFiles(storage, indexFolder)) indexKeys.push(key);
  for (const key of indexKeys) for (const pack of await readIndexFile(session, key)) packs.set(pack.id, merged(packs.get(pack.id), pack));
  const [there, gone] = partition([...packs.values()], ({ id }) => !lost.has(id));
  const plan = planPrune(there, (blob) => used.has(nameOf(blob)));
  // What a snapshot lacks is still named, so that everybody can tell which one it harms.
  const [lacking, replaced] = partition(gone, ({ blobs }) =>
    blobs.some((blob) => used.has(nameOf(blob)) && !session.index.has(blob.id, blob.type)),
  );

  if (plan.repack.length + plan.remove.length + replaced.length > 0) {
    const repacked = await repack(session, plan, used, signal);
    signal?.throwIfAborted();
    const written = new Set(await writeIndex(session, [...plan.keep, ...lacking, ...repacked]));
    await storage.remove(indexKeys.filter((key) => !written.has(idOf(key))));
    for (const { id } of repacked) packs.set(id, { id, blobs: [] });
    for (const { id } of [...plan.repack, ...plan.remove, ...replaced]) packs.delete(id);
  }
  const unknown: string[] = [];
  for await (const { key } of listFiles(storage, 'data')) if (!packs.has(idOf(key))) unknown.push(key);
  await storage.remove(unknown);
}

/** Those for which it is true, and the others. */
export function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

function merged(known: IndexedPack | undefined, pack: IndexedPack): IndexedPack {
  return known === undefined || known.blobs.length < pack.blobs.length ? pack : known;
}

/** By their names. Fails when a snapshot cannot be read to its last tree: then nobody knows what it needs. */
async function usedBlobs(session: Session, snapshots: readonly Snapshot[], signal?: AbortSignal): Promise<Set<string>> {
  const used = new Set<string>();
  const enter = (id: string): boolean => !used.has(nameOf({ id, type: 'tree' }));
  for (const snapshot of snapshots) {
    const { tree, manifest } = snapshot;
    if (tree === '') throw unreadable(session, snapshot, typeof manifest === 'string' ? manifest : undefined);
    try {
      for await (const blob of blobsBelow(session, tree, enter, signal)) {
        if (session.index.find(blob.id) === undefined) throw missingBlob(session, blob.id);
        used.add(nameOf(blob));
      }
    } catch (error) {
      throw error instanceof LostBlob ? unreadable(session, snapshot, factOf(error)) : error;
    }
  }
  return used;
}

function unreadable({ storage }: Session, { id }: Snapshot, seen?: string): DavitError {
  return new DavitError({
    where: `${storage.location}/snapshots/${id}`,
    what: 'cannot be read, so nothing is removed',
    seen,
    fix: `give it up with \`restic forget ${id.slice(0, 8)}\`, or repair it`,
  });
}

/** Blobs move as they are, sealed, after each was found whole. */
async function repack(
  session: Session,
  { repack: from, keep }: PrunePlan,
  used: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<IndexedPack[]> {
  const done = new Set(keep.flatMap(({ blobs }) => blobs.map(nameOf)));
  const packs: IndexedPack[] = [];
  for (const type of blobTypes) {
    let open = createPack(type, session.seal);
    const close = async (): Promise<void> => {
      const { id, bytes, blobs } = open.close();
      open = createPack(type, session.seal);
      await putProven(session.storage, packKey(id), bytes, id, signal);
      release(bytes);
      packs.push({ id, blobs });
    };
    for (const pack of from) {
      const wanted = pack.blobs.filter((blob) => blob.type === type && used.has(nameOf(blob)) && !done.has(nameOf(blob)));
      if (wanted.length === 0) continue;
      signal?.throwIfAborted();
      const bytes = await getWhole(session.storage, packKey(pack.id), signal);
      for (const blob of wanted) {
        openBlob(session, blob, bytes);
        if (!open.fits(blob.length)) await close();
        open.addSealed(blob.id, bytes.subarray(blob.offset, blob.offset + blob.length), blob.plainLength);
        done.add(nameOf(blob));
      }
    }
    if (!open.isEmpty()) await close();
  }
  return packs;
}
