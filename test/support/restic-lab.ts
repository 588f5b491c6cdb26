import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest, StoredFile } from '../../src/model/snapshot.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Repository } from '../../src/repository/repository.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { newestRestic, password } from './restic.ts';
import { artifactOf, manifestOf, newAddress } from './snapshots.ts';
import { openFilesystem } from './storages.ts';

/** What real restic found to add. */
export interface Summary {
  readonly data_blobs: number;
  readonly tree_blobs: number;
  readonly files_unmodified: number;
}

/** A repository in a folder, and a tree to store. */
export interface ResticLab extends AsyncDisposable {
  /** As restic is told. */
  readonly location: string;
  readonly storage: Storage;
  readonly repository: Repository;
  /** Empty at first, both. */
  readonly work: string;
  readonly tree: string;
  /** Stores the tree, or another one, as a snapshot that began at a time when what is there had been at rest, or at the given one. */
  storeTree(startedAt?: string, root?: string): Promise<{ manifest: Manifest; stored: StoredFile }>;
  /** Real restic backs up the same folder, right over it. */
  backupOver(folder: string, ...args: string[]): Summary;
}

export async function createResticLab(): Promise<ResticLab> {
  const place = await openFilesystem();
  const { storage } = place;
  const work = await mkdtemp(join(tmpdir(), 'davit-restic-'));
  const tree = join(work, 'tree');
  await mkdir(tree);
  const repository = createResticRepository({ storage, password });
  const location = place.address.directory;
  return {
    location,
    storage,
    repository,
    work,
    tree,
    async storeTree(startedAt = new Date(Date.now() + 1000).toISOString(), root = tree) {
      const name = { service: 'web', name: 'files/data', extension: 'tar' };
      const address = newAddress('shop');
      await using writer = await repository.begin(address);
      const { warnings, ...stored } = await writer.putTree(name, { root, exclude: [] });
      if (warnings.length > 0) throw new Error(warnings.join('; '));
      const manifest = manifestOf(address, [{ ...artifactOf(name, stored), kind: 'files', path: '/data' }], { startedAt });
      await writer.commit(manifest);
      return { manifest, stored };
    },
    backupOver(folder, ...args) {
      const lines = newestRestic().runIn(folder, location, 'backup', '.', '--json', ...args);
      return JSON.parse(lines.trim().split('\n').at(-1) ?? '') as Summary;
    },
    async [Symbol.asyncDispose]() {
      await rm(work, { recursive: true, force: true });
      await place[Symbol.asyncDispose]();
    },
  };
}
