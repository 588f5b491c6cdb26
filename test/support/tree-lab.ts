import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact, Manifest } from '../../src/model/snapshot.ts';
import { captureTree, type Capture, type CaptureResult, extractTree } from '../../src/steps/job.ts';
import { captureJob } from './capture-job.ts';
import { createPortable } from './repositories.ts';
import { manifestOf, newAddress } from './snapshots.ts';
import { openFilesystem } from './storages.ts';

/** A tree of an app, and the jobs of a worker on it. */
export interface TreeLab extends AsyncDisposable {
  /** A folder of the test's own; the tree is in it. */
  readonly work: string;
  readonly root: string;
  readonly scratch: string;
  /** A path in the tree. */
  at(name: string): string;
  capture(change?: Partial<Pick<Capture, 'sqlite' | 'root' | 'path' | 'exclude' | 'scratch'>>, signal?: AbortSignal): Promise<Snapshot>;
  /** Every object in the storage. */
  stored(): Promise<string[]>;
}

export interface Snapshot extends CaptureResult {
  readonly manifest: Manifest;
  /** Of the databases. */
  readonly names: string[];
  /** Files in the tar. */
  members(): Promise<string[]>;
  /** Into a new folder, or over what is in `target`. Without `artifacts`, all of it. */
  restore(change?: { target?: string; only?: string; artifacts?: readonly Artifact[] }): Promise<string>;
}

export async function createTreeLab(): Promise<TreeLab> {
  const work = await mkdtemp(join(tmpdir(), 'davit-tree-'));
  const place = await openFilesystem();
  const [root, scratch] = [join(work, 'tree'), join(work, 'scratch')];
  const repository = createPortable(place.storage);
  mkdirSync(root);

  async function capture(change: Parameters<TreeLab['capture']>[0] = {}, signal = new AbortController().signal): Promise<Snapshot> {
    const address = newAddress('lab');
    const job = captureJob({ address, root, scratch, ...change });
    const { artifact, path, include, exclude } = job;
    const result = await captureTree(repository, job, signal);
    const at = '2026-11-21T03:00:00.000Z';
    const kind = { kind: 'files', engine: 'files', path, startedAt: at, endedAt: at } as const;
    const trees: Artifact[] = result.tree === undefined ? [] : [{ ...result.tree, ...artifact, ...kind }];
    const databases = result.databases.map((database) => ({ ...database, service: 'app' }));
    const manifest = manifestOf(address, [...trees, ...databases]);
    await using writer = await repository.begin(address);
    await writer.commit(manifest);

    async function members(): Promise<string[]> {
      const archives = await Promise.all(trees.map(async (tree) => (await repository.read(manifest, tree)).toArray()));
      const input = Buffer.concat(archives.flat() as Buffer[]);
      const listed = execFileSync('tar', ['--list', '--quoting-style=literal'], { input, encoding: 'utf8' }).split('\n');
      return listed.filter((line) => line !== '' && !line.endsWith('/')).toSorted();
    }

    async function restore({
      target = join(work, 'restored'),
      only,
      artifacts = manifest.artifacts,
    }: Parameters<Snapshot['restore']>[0] = {}) {
      if (!existsSync(target)) mkdirSync(target);
      const [tree] = artifacts.filter((one) => one.kind === 'files');
      const wanted = { artifact: tree, databases: artifacts.filter((one) => one.kind === 'sqlite'), only };
      await extractTree(repository, { kind: 'extract', manifest, ...wanted, root: target, path, include, exclude }, signal);
      return target;
    }

    return { ...result, manifest, names: databases.map(({ name }) => name).toSorted(), members, restore };
  }

  return {
    work,
    root,
    scratch,
    at: (name) => join(root, name),
    capture,
    stored: async () => (await Array.fromAsync(place.storage.list(''))).map(({ key }) => key),
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await rm(work, { recursive: true, force: true });
    },
  };
}
