import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../src/model/snapshot.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { noise, streamOf } from './bytes.ts';
import { createRandom, type Random } from './random.ts';
import { password } from './restic.ts';
import { artifactOf, dump, manifestOf } from './snapshots.ts';

export const treeName = { service: 'web', name: 'files/data', extension: 'tar' } as const;

/** Some files come, some change, some move, some go. */
export function changeTree(root: string, random: Random): void {
  for (let change = 0; change < 1 + random.below(6); change++) {
    const folder = join(root, `folder ${random.below(4)}`);
    const file = join(folder, `file ${random.below(6)}`);
    mkdirSync(folder, { recursive: true });
    const kind = random.below(8);
    if (kind === 0) rmSync(folder, { recursive: true, force: true });
    else if (kind === 1) rmSync(file, { force: true });
    else {
      const bytes = random.pick([0, 10, 5000, 600_000, 3_000_000]);
      writeFileSync(file, kind === 2 ? Buffer.alloc(bytes) : noise(bytes, random.below(20)));
      if (kind === 3) renameSync(file, join(root, `moved ${random.below(3)}`));
    }
  }
}

/** As a run does it: clears what its dead self left, then stores a tree and a dump. The address is told before anything can happen. */
export async function backUp(
  storage: Storage,
  root: string,
  random: Random,
  begun: (id: string) => void = () => undefined,
): Promise<Manifest> {
  const repository = createResticRepository({ storage, password });
  await repository.sweep('shop', () => true);
  const address = { stack: 'shop', set: 'default', id: `20261121T030000Z-${randomBytes(3).toString('hex')}` };
  begun(address.id);
  const startedAt = new Date().toISOString();
  const writer = await repository.begin(address);
  try {
    const { warnings: _, ...tree } = await writer.putTree(treeName, { root, exclude: [] });
    const bytes = noise(1 + random.below(4_000_000), random.below(5));
    const database = await writer.put(dump, streamOf(bytes));
    const artifacts = [{ ...artifactOf(treeName, tree), kind: 'files' as const, path: '/data' }, artifactOf(dump, database)];
    const manifest = manifestOf(address, artifacts, { startedAt, sequence: Date.now() });
    await writer.commit(manifest);
    return manifest;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

export async function removeSome(storage: Storage, random: Random): Promise<void> {
  const repository = createResticRepository({ storage, password });
  await repository.sweep('shop', () => true);
  const { manifests } = await repository.list('shop');
  await repository.remove(manifests.filter(() => random.below(3) === 0));
}

/** Run as a program that is then killed: backs up and removes for ever. Says when it has begun. */
if (process.argv[1] === import.meta.filename) {
  const [directory = '', root = '', seed = ''] = process.argv.slice(2);
  const { createFilesystemStorage } = await import('../../src/storage/filesystem.ts');
  const storage = createFilesystemStorage(directory);
  const random = createRandom(Number(seed));
  for (;;) {
    process.stdout.write('on\n');
    changeTree(root, random);
    await backUp(storage, root, random);
    if (random.below(2) === 0) await removeSome(storage, random);
  }
}
