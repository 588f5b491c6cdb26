import { DavitError } from '../../model/errors.ts';
import { blobTypes, type IndexedPack } from './blob.ts';
import { openBlob } from './blob-reader.ts';
import { indexFolder, readIndexFile, writeIndex } from './index-files.ts';
import { getWhole, idOf, putProven } from './objects.ts';
import { createPack, packKey } from './pack.ts';
import { release } from './release.ts';
import { planPrune } from './prune-plan.ts';
import type { Session } from './session.ts';
import type { Snapshot } from './snapshots.ts';
import { blobsBelow } from './walk.ts';

/**
 * Removes every blob that none of these snapshots needs. The caller holds an exclusive lock. In this order, so that a crash at any point leaves a whole
 * repository: new packs, a new index, the old indexes, the old packs.
 */
export async function prune(session: Session, snapshots: readonly Snapshot[]): Promise<void> {
  const { storage } = session;
  const used = await usedBlobs(session, snapshots);
  const indexKeys: string[] = [];
  const packs = new Map<string, IndexedPack>();
  for await (const { key } of storage.list(indexFolder)) indexKeys.push(key);
  for (const key of indexKeys) for (const pack of await readIndexFile(session, key)) packs.set(pack.id, merged(packs.get(pack.id), pack));
  const plan = planPrune([...packs.values()], (id) => used.has(id));

  if (plan.repack.length + plan.remove.length > 0) {
    const repacked = await repack(session, plan.repack, plan.keep, used);
    const written = new Set(await writeIndex(session, [...plan.keep, ...repacked]));
    await storage.remove(indexKeys.filter((key) => !written.has(idOf(key))));
    for (const { id } of repacked) packs.set(id, { id, blobs: [] });
    for (const { id } of [...plan.repack, ...plan.remove]) packs.delete(id);
  }
  const unknown: string[] = [];
  for await (const { key } of storage.list('data')) if (!packs.has(idOf(key))) unknown.push(key);
  await storage.remove(unknown);
}

function merged(known: IndexedPack | undefined, pack: IndexedPack): IndexedPack {
  return known === undefined || known.blobs.length < pack.blobs.length ? pack : known;
}

/** Fails when a snapshot cannot be read to its last tree: then nobody knows what it needs. */
async function usedBlobs(session: Session, snapshots: readonly Snapshot[]): Promise<Set<string>> {
  const used = new Set<string>();
  const enter = (tree: string): boolean => !used.has(tree);
  for (const { id, tree, manifest } of snapshots) {
    if (tree === '')
      throw new DavitError({
        where: `${session.storage.location}/snapshots/${id}`,
        what: 'cannot be read, so nothing is removed',
        seen: typeof manifest === 'string' ? manifest : undefined,
        fix: 'remove it with restic forget, or repair it',
      });
    for await (const blob of blobsBelow(session, tree, enter)) {
      if (!session.index.has(blob.id))
        throw new DavitError({
          where: session.storage.location,
          what: `blob ${blob.id.slice(0, 12)} is missing, so nothing is removed`,
          fix: 'see what is damaged: restic check',
        });
      used.add(blob.id);
    }
  }
  return used;
}

/** Blobs move as they are, sealed, after each was found whole. */
async function repack(
  session: Session,
  from: readonly IndexedPack[],
  keep: readonly IndexedPack[],
  used: ReadonlySet<string>,
): Promise<IndexedPack[]> {
  const done = new Set(keep.flatMap(({ blobs }) => blobs.map(({ id }) => id)));
  const packs: IndexedPack[] = [];
  for (const type of blobTypes) {
    let open = createPack(type, session.seal);
    const close = async (): Promise<void> => {
      const { id, bytes, blobs } = open.close();
      open = createPack(type, session.seal);
      await putProven(session.storage, packKey(id), bytes, id);
      release(bytes);
      packs.push({ id, blobs });
    };
    for (const pack of from) {
      const wanted = pack.blobs.filter((blob) => blob.type === type && used.has(blob.id) && !done.has(blob.id));
      if (wanted.length === 0) continue;
      const bytes = await getWhole(session.storage, packKey(pack.id));
      for (const blob of wanted) {
        openBlob(session, blob, bytes);
        open.addSealed(blob.id, bytes.subarray(blob.offset, blob.offset + blob.length), blob.plainLength);
        done.add(blob.id);
      }
      if (open.isFull()) await close();
    }
    if (!open.isEmpty()) await close();
  }
  return packs;
}
