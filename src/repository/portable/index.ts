import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Codec } from '../../codecs/codec.ts';
import { isOneFile } from '../../codecs/tar-kind.ts';
import { compareTree, readToEnd, unpackFile, unpackTree } from '../../codecs/tar.ts';
import { DavitError } from '../../model/errors.ts';
import type { Artifact, Manifest, StoredFile } from '../../model/snapshot.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Repository } from '../repository.ts';
import { compare } from './compare.ts';
import { load } from './flow.ts';
import { addressOf, manifestKey, manifestName, snapshotPrefix, stackPrefix } from './layout.ts';
import { readManifests } from './manifests.ts';
import { sweepStack } from './sweep.ts';
import { createWriter } from './writer.ts';

export interface PortableRepositoryOptions {
  readonly storage: Storage;
  /** What new artifacts pass, in this order. */
  readonly codecs: readonly Codec[];
  /** Every codec that a manifest may name. */
  readonly decoders: ReadonlyMap<string, Codec>;
}

/** Snapshots as plain files beside a manifest: everything can be read with tar, zstd and age alone. */
export function createPortableRepository({ storage, codecs, decoders }: PortableRepositoryOptions): Repository {
  const keyOf = (manifest: Manifest, { file }: StoredFile) => `${snapshotPrefix(manifest)}/${file}`;

  function decodersOf(artifact: Artifact): Codec[] {
    return artifact.codecs.toReversed().map((name) => {
      const codec = decoders.get(name);
      if (!codec)
        throw new DavitError({
          where: artifact.file,
          what: 'was written with a codec that this Davit does not know',
          seen: name,
          fix: 'use a newer Davit',
        });
      return codec;
    });
  }

  const read: Repository['read'] = async (manifest, artifact, signal) =>
    load(storage, decodersOf(artifact), keyOf(manifest, artifact), artifact, signal);

  return {
    location: storage.location,
    isLocal: () => storage.local,
    isIncremental: () => false,
    list: (stack, set) => readManifests(storage, stackPrefix(stack, set)),
    listReachable: async (stack, set) => ({ ...(await readManifests(storage, stackPrefix(stack, set))), unread: [] }),
    async stacks() {
      const stacks = new Set<string>();
      for await (const { key } of storage.list('')) {
        const address = addressOf(key);
        if (address?.file === manifestName) stacks.add(address.stack);
      }
      return [...stacks].toSorted();
    },
    begin: async (address) => createWriter(storage, codecs, address),
    read,
    isFile: async (manifest, artifact, signal) => isOneFile(await read(manifest, artifact, signal)),
    prove: async (manifest, artifact, path, signal) => readToEnd(await read(manifest, artifact, signal), path, signal),
    async extract(manifest, artifact, root, path, signal) {
      const isFolder = (await stat(root)).isDirectory();
      // First: a program that nobody feeds would keep this process alive.
      const plain = await read(manifest, artifact, signal);
      await pipeline(plain, isFolder ? unpackTree(root, path, signal) : unpackFile(root, signal));
    },
    compare: async (manifest, artifact, root, signal) => pipeline(await read(manifest, artifact, signal), compareTree(root, signal)),
    check: (manifests, depth, signal) => compare(storage, manifests, depth, signal),
    async remove(manifests, signal) {
      for (const manifest of manifests) {
        signal?.throwIfAborted();
        await storage.remove([manifestKey(manifest)]);
        await storage.remove(manifest.artifacts.map((artifact) => keyOf(manifest, artifact)));
      }
    },
    sweep: (stack, isDead) => sweepStack(storage, stackPrefix(stack), isDead),
  };
}
