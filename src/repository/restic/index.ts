import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { compareTree, readToEnd, unpackFile, unpackTree } from '../../codecs/tar.ts';
import { DavitError } from '../../model/errors.ts';
import type { Artifact, Manifest } from '../../model/snapshot.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Repository } from '../repository.ts';
import { findArtifact } from './artifacts.ts';
import { checkSnapshots } from './check.ts';
import { removeDeadLocks, takeLock } from './locks.ts';
import { partition, prune } from './prune.ts';
import { readFile } from './read.ts';
import { createSessions, type Session } from './session.ts';
import { createSnapshots, isOf, manifestsOf, snapshotFolder } from './snapshots.ts';
import { tarOf } from './tar-stream.ts';
import type { Node } from './tree.ts';
import { codecName, createWriter } from './writer.ts';

/** Each time somebody prunes in between. */
const checks = 3;

export interface ResticRepositoryOptions {
  readonly storage: Storage;
  readonly password: string;
  /** Whether every blob is opened again and compared before it is sent; otherwise a fault of this machine's memory shows at `verify` only. */
  readonly prove?: boolean;
}

/** Snapshots in restic's repository format, version 2: deduplicated, compressed and encrypted; any restic can check and restore them. */
export function createResticRepository({ storage, password, prove = true }: ResticRepositoryOptions): Repository {
  const sessions = createSessions(storage, password);
  const snapshots = createSnapshots();

  /** Where an artifact is: the open repository, and its node under the name that it had. */
  async function find(manifest: Manifest, artifact: Artifact, signal?: AbortSignal): Promise<{ session: Session; node: Node }> {
    const unknown = artifact.codecs.find((name) => name !== codecName);
    if (unknown !== undefined)
      throw new DavitError({
        where: artifact.file,
        what: 'was written with a codec that this Davit does not know',
        seen: unknown,
        fix: 'use a newer Davit',
      });
    const { session, tree } = await treeOf(manifest);
    const node = await findArtifact(session, tree, artifact, signal);
    return { session, node: { ...node, name: Buffer.from(basename(artifact.path ?? artifact.name)) } };
  }

  async function treeOf(manifest: Manifest): Promise<{ session: Session; tree: string }> {
    const session = await sessions.existing();
    const snapshot = session === undefined ? undefined : (await snapshots.all(session)).find((one) => isOf(one, manifest));
    if (snapshot === undefined)
      throw new DavitError({ where: `snapshot ${manifest.id}`, what: 'is missing', seen: storage.location, fix: 'use another one' });
    return { session: await sessions.renew(), tree: snapshot.tree };
  }

  const repository: Repository = {
    location: `restic+${storage.location}`,
    isLocal: () => storage.local,
    isIncremental: () => true,
    async list(stack, set) {
      const session = await sessions.existing();
      return session === undefined ? { manifests: [], damaged: [] } : manifestsOf(await snapshots.all(session), stack, set);
    },
    listReachable: async (stack, set) => ({ ...(await repository.list(stack, set)), unread: [] }),
    async stacks() {
      const session = await sessions.existing();
      const all = session === undefined ? [] : await snapshots.all(session);
      return [...new Set(all.flatMap(({ manifest }) => (typeof manifest === 'object' ? [manifest.stack] : [])))].toSorted();
    },
    begin: (address) => createWriter(sessions, snapshots, address, prove),
    async read(manifest, artifact, signal) {
      const { session, node } = await find(manifest, artifact, signal);
      const isTree = node.type !== 'file' || artifact.extension === 'tar';
      const bytes = isTree ? tarOf(session, node, undefined, signal) : readFile(session, artifact, node, signal);
      return Readable.from(bytes, { objectMode: false });
    },
    isFile: async (manifest, artifact, signal) => (await find(manifest, artifact, signal)).node.type === 'file',
    prove: async (manifest, artifact, path, signal) => readToEnd(await repository.read(manifest, artifact, signal), path, signal),
    async extract(manifest, artifact, root, path, signal) {
      const { session, node } = await find(manifest, artifact, signal);
      const target = (await stat(root)).isDirectory() ? unpackTree(root, undefined, signal) : unpackFile(root, signal);
      await pipeline(Readable.from(tarOf(session, node, path, signal), { objectMode: false }), target);
    },
    async compare(manifest, artifact, root, signal) {
      const { session, node } = await find(manifest, artifact, signal);
      await pipeline(Readable.from(tarOf(session, node, undefined, signal), { objectMode: false }), compareTree(root, signal));
    },
    async check(manifests, depth, signal) {
      for (let tries = 1; ; tries++) {
        const session = await sessions.renew();
        const all = await snapshots.all(session);
        const trees = new Map(manifests.map((manifest) => [manifest, all.find((one) => isOf(one, manifest))?.tree] as const));
        const flaws = await checkSnapshots(session, trees, depth, signal);
        // What somebody has moved meanwhile was looked for in the wrong place.
        if (flaws.length === 0 || tries === checks || (await session.refresh())) return flaws;
      }
    },
    async remove(manifests, signal) {
      const existing = await sessions.existing();
      const [first] = manifests;
      if (existing === undefined || first === undefined) return;
      // Whoever removes has most likely just written the newest one: should it be killed, the lock is known as its own.
      const [newest = first] = manifestsOf(await snapshots.all(existing), first.stack).manifests;
      await using _lock = await takeLock(existing, true, newest.id, { signal });
      const session = await sessions.renew();
      const [gone, kept] = partition(await snapshots.all(session), (one) => manifests.some((manifest) => isOf(one, manifest)));
      signal?.throwIfAborted();
      await storage.remove(gone.map(({ id }) => `${snapshotFolder}/${id}`));
      await prune(session, kept, signal);
      sessions.forget();
    },
    async sweep(_stack, isDead) {
      const session = await sessions.existing();
      if (session === undefined) return 0;
      const locks = await removeDeadLocks(session, isDead);
      return locks + (await storage.sweep('', (_, startedAt) => isDead('', startedAt)));
    },
  };
  return repository;
}
