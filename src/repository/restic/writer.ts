import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { DavitError } from '../../model/errors.ts';
import { type Manifest, manifestSchema, type StoredFile } from '../../model/snapshot.ts';
import { chunksOf } from '../../storage/chunks.ts';
import { aborted } from '../../storage/aborted.ts';
import { createDigester } from '../digester.ts';
import type { ArtifactName, EarlierTree, SnapshotAddress, SnapshotWriter, StoredTree, Tree } from '../repository.ts';
import { assemble } from './assemble.ts';
import { LostBlob } from './blob-reader.ts';
import { createBlobWriter, type Tally } from './blob-writer.ts';
import { captureTree, type Earlier } from './capture.ts';
import { fileName } from './file-name.ts';
import { findForeign } from './foreign.ts';
import { findNode, unwrap, unwrapArtifact, wrapArtifact } from './artifacts.ts';
import { takeLock } from './locks.ts';
import type { Session, Sessions } from './session.ts';
import { isOf, manifestsOf, putSnapshot, type Snapshots } from './snapshots.ts';
import { lossesOf } from './stock.ts';
import { parseTime } from './timestamp.ts';
import type { Node } from './tree.ts';

/** What manifests call it: cut, compressed, sealed. */
export const codecName = 'restic';

export async function createWriter(
  sessions: Sessions,
  snapshots: Snapshots,
  address: SnapshotAddress,
  prove: boolean,
): Promise<SnapshotWriter> {
  const known = await sessions.create();
  const [lock] = await Promise.all([takeLock(known, false, address.id), known.refresh().catch(() => false)]);
  // From here on nobody removes anything; while the lock settled, most of the index was read.
  const { session, warnings } = await newestOf(sessions).catch(async (error: unknown) => {
    await lock[Symbol.asyncDispose]();
    throw error;
  });
  const aborting = new AbortController();
  const signal = AbortSignal.any([aborting.signal, lock.lost]);
  const running = new Set<Promise<unknown>>();
  const taken = new Set<string>();
  let isGivenUp = false;
  const blobs = createBlobWriter(session, session.index, prove, signal, session.knows);

  async function store<T extends StoredFile>(
    file: string,
    signals: readonly (AbortSignal | undefined)[],
    work: (either: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (taken.has(file)) throw new DavitError({ where: file, what: 'two artifacts have this name', fix: 'rename one of them' });
    taken.add(file);
    const either = AbortSignal.any([signal, ...signals.filter((one) => one !== undefined)]);
    const working = work(either);
    // It may wait for a storage that stands still.
    const storing = Promise.race([working, aborted(either)]).catch((error: unknown) => {
      isGivenUp ||= either.aborted;
      throw either.aborted ? either.reason : error;
    });
    const settled = working.then(
      () => undefined,
      () => void taken.delete(file),
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return storing;
  }

  async function put(artifact: ArtifactName, plain: Readable, signal?: AbortSignal): Promise<StoredFile> {
    const file = fileName(artifact, false);
    return store(file, [signal], async (either) => {
      either.throwIfAborted();
      const tally: Tally = { bytes: 0 };
      const source = createDigester();
      const content: string[] = [];
      await session.withChunker(async (chunker) => {
        for await (const piece of chunksOf(plain, either)) {
          source.see(piece);
          for (const chunk of chunker.push(piece)) content.push(await blobs.save('data', chunk, tally));
        }
        const last = chunker.end();
        if (last !== undefined) content.push(await blobs.save('data', last, tally));
      });
      const digest = source.digest();
      if (digest.bytes === 0)
        throw new DavitError({ where: file, what: 'the source gave no data at all', fix: 'see why its dump is empty' });
      const stored = await wrapArtifact(blobs, dumpNode(basename(file), digest.bytes, content), tally);
      return { file, codecs: [codecName], plain: digest, stored, proven: true };
    });
  }

  async function putTree(artifact: ArtifactName, tree: Tree, signal?: AbortSignal): Promise<StoredTree> {
    const file = fileName(artifact, true);
    return store(file, [signal], async (either) => {
      const { since } = tree;
      const tally: Tally = { bytes: since?.stored.stored.bytes ?? 0 };
      const before = since === undefined ? await earlierOf(session, snapshots, address, file, tree.root) : await ahead(since);
      const { node, bytes, warnings } = await captureTree(session, blobs, tree, basename(file), before, tally, either);
      const stored = await wrapArtifact(blobs, node, tally);
      const plain = { bytes, sha256: node.subtree ?? stored.sha256 };
      return { file, codecs: [codecName], plain, stored, proven: true, warnings };
    });
  }

  async function ahead({ stored, startedAt }: EarlierTree): Promise<Earlier | undefined> {
    const node = await unwrap(session, stored);
    return node && { node, startedAt: parseTime(startedAt) };
  }

  async function commit(manifest: Manifest, signal?: AbortSignal): Promise<void> {
    const checked = manifestSchema.parse(manifest);
    await Promise.all(running);
    const stop = AbortSignal.any([aborting.signal, lock.lost, ...(signal ? [signal] : [])]);
    stop.throwIfAborted();
    await blobs.flush();
    // Workers have put and indexed their part themselves.
    if (!(await session.refresh()))
      throw new DavitError({
        where: session.storage.location,
        what: 'was pruned while this was written',
        fix: 'run again; never unlock a repository that is in use',
      });
    const nodes = new Map<string, Node>();
    for (const artifact of checked.artifacts) nodes.set(artifact.file, await unwrapArtifact(session, artifact));
    const { tree, paths } = await assemble(blobs, checked, nodes);
    await blobs.flush();
    stop.throwIfAborted();
    await requireSame(session);
    await putSnapshot(session, checked, tree, paths, stop);
    await lock[Symbol.asyncDispose]();
  }

  async function abort(): Promise<void> {
    aborting.abort();
    await Promise.all(running);
    // First, because the rest can fail; nobody else knows the packs that go.
    await lock[Symbol.asyncDispose]();
    await blobs.abort();
  }

  return {
    warnings,
    put,
    putTree,
    commit,
    discard: async ({ file }) => void taken.delete(file),
    abort,
    async [Symbol.asyncDispose]() {
      if (!isGivenUp) await Promise.all(running);
      if (isGivenUp) return abort(); // The storage may not answer.
      if (!aborting.signal.aborted) await blobs.flush().catch((error: unknown) => abort().then(() => Promise.reject(error)));
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** The same artifact in the newest snapshot of the set that has it, or the same folder in one of restic's own. */
async function earlierOf(
  session: Session,
  snapshots: Snapshots,
  address: SnapshotAddress,
  file: string,
  root: string,
): Promise<Earlier | undefined> {
  const all = await snapshots.all(session);
  const [newest] = manifestsOf(all, address.stack, address.set).manifests.filter(({ artifacts }) =>
    artifacts.some((one) => one.file === file),
  );
  const snapshot = newest === undefined ? undefined : all.find((one) => isOf(one, newest));
  if (newest === undefined || snapshot === undefined) return findForeign(session, all, root);
  // It only saves time: what has been lost is read again.
  const node = await findNode(session, snapshot.tree, file).catch((error: unknown) => {
    if (error instanceof LostBlob) return undefined;
    throw error;
  });
  return node && { node, startedAt: parseTime(newest.startedAt) };
}

/** What is lost is not relied upon: it is stored again. */
async function newestOf(sessions: Sessions): Promise<{ session: Session; warnings: string[] }> {
  const session = await sessions.renew();
  const [lost] = await Promise.all([session.takeStock(), requireSame(session)]);
  return { session, warnings: lossesOf(session, session.index, lost) };
}

async function requireSame({ storage, isSame }: Session): Promise<void> {
  if (await isSame()) return;
  throw new DavitError({ where: storage.location, what: 'was made anew by somebody else meanwhile', fix: 'run again' });
}

function dumpNode(name: string, size: number, content: readonly string[]): Node {
  const now = BigInt(Date.now()) * 1_000_000n;
  const times = { mtime: now, atime: now, ctime: now };
  return { name: Buffer.from(name), type: 'file', mode: 0o600, ...times, uid: 0, gid: 0, size, links: 1, content };
}
