import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Codec } from '../../codecs/codec.ts';
import { packTree } from '../../codecs/tar.ts';
import { DavitError } from '../../model/errors.ts';
import { manifestSchema, type Manifest, type StoredFile } from '../../model/snapshot.ts';
import type { Storage } from '../../storage/storage.ts';
import { aborted } from '../../storage/aborted.ts';
import type { ArtifactName, Flaw, SnapshotAddress, SnapshotWriter, StoredTree, Tree } from '../repository.ts';
import { compareBytes, compareSizes } from './compare.ts';
import { digestOf, store } from './flow.ts';
import { fileName, manifestKey, snapshotPrefix } from './layout.ts';

export function createWriter(storage: Storage, codecs: readonly Codec[], address: SnapshotAddress): SnapshotWriter {
  const prefix = snapshotPrefix(address);
  const extensions = codecs.map(({ extension }) => extension);
  const taken = new Set<string>();
  const running = new Set<Promise<unknown>>();
  const aborting = new AbortController();
  let isUndecided = false;

  async function put(artifact: ArtifactName, plain: Readable, signal?: AbortSignal): Promise<StoredFile> {
    const file = fileName(artifact, extensions);
    if (taken.has(file))
      throw new DavitError({ where: `${prefix}/${file}`, what: 'two artifacts have this name', fix: 'rename one of them' });
    taken.add(file);
    const either = AbortSignal.any([aborting.signal, ...(signal ? [signal] : [])]);
    const storing = store(storage, codecs, `${prefix}/${file}`, plain, either);
    const settled = storing.then(
      () => undefined,
      () => void taken.delete(file),
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return { file, ...(await storing) };
  }

  async function putTree(artifact: ArtifactName, tree: Tree, signal?: AbortSignal): Promise<StoredTree> {
    const { stream, warnings } = packTree(tree, signal);
    return { ...(await put(artifact, stream, signal)), warnings: warnings() };
  }

  async function discard({ file }: StoredFile): Promise<void> {
    await storage.remove([`${prefix}/${file}`]);
    taken.delete(file);
  }

  async function commit(manifest: Manifest, signal?: AbortSignal): Promise<void> {
    const text = Buffer.from(`${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`);
    signal?.throwIfAborted();
    const flaws = await Promise.race([findFlaws(manifest), ...(signal ? [aborted(signal)] : [])]);
    if (flaws.length > 0) {
      const seen = flaws.map(({ problem }) => problem).join('; ');
      throw new DavitError({
        where: `${storage.location}/${prefix}`,
        what: 'what is stored is not what was sent',
        seen,
        fix: 'check the storage, then run again',
      });
    }
    await putManifest(text, signal);
  }

  async function findFlaws(manifest: Manifest): Promise<Flaw[]> {
    const unproven = manifest.artifacts.filter(({ proven }) => !proven);
    return [...(await compareSizes(storage, manifest)), ...(await compareBytes(storage, manifest, unproven))];
  }

  async function putManifest(text: Buffer, signal?: AbortSignal): Promise<void> {
    const key = manifestKey(address);
    const { proven } = await storage.put(key, Readable.from([text], { objectMode: false }), signal).catch((error: unknown) => {
      // Perhaps it arrives all the same: then what it names must be there.
      isUndecided = signal?.aborted === true;
      throw error;
    });
    if (proven || (await digestOf(storage, key)).sha256 === createHash('sha256').update(text).digest('hex')) return;
    await storage.remove([key]);
    throw new DavitError({
      where: `${storage.location}/${key}`,
      what: 'was not stored as it was sent',
      fix: 'check the storage, then run again',
    });
  }

  /** Also takes what other processes put at this address, and what they left half-made. The manifest goes first: without it the rest is nothing. */
  async function abort(): Promise<void> {
    aborting.abort();
    await Promise.all(running);
    if (isUndecided) return;
    await storage.remove([manifestKey(address)]);
    const keys: string[] = [];
    for await (const { key } of storage.list(prefix)) keys.push(key);
    await storage.remove(keys);
    await storage.sweep(prefix, () => true);
  }

  const dispose = async (): Promise<void> => void (await Promise.all(running));
  return { warnings: [], put, putTree, discard, commit, abort, [Symbol.asyncDispose]: dispose };
}
