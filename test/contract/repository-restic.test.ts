import { execFileSync } from 'node:child_process';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EarlierTree } from '../../src/repository/repository.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import { digest, noise } from '../support/bytes.ts';
import { describeTree, makeHostileTree } from '../support/hostile-tree.ts';
import { newestRestic, password, restics } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { artifactOf, manifestOf, newAddress, onlyArtifact, storeSnapshot } from '../support/snapshots.ts';

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

test.for(restics.map(({ name }) => name))('%s reads every byte and finds nothing wrong', async (name) => {
  makeHostileTree(lab.tree);
  await storeSnapshot(lab.repository, newAddress('shop'), noise(30_000_000));
  await lab.storeTree();
  const { run } = restics.find((restic) => restic.name === name) ?? newestRestic();
  expect(run(lab.location, 'check', '--read-data')).toContain('no errors were found');
  expect(run(lab.location, 'dump', 'latest', '/davit/manifest.json')).toContain('"stack": "shop"');
});

test('restic restores what was there', async () => {
  makeHostileTree(lab.tree);
  await lab.storeTree();
  newestRestic().run(lab.location, 'restore', 'latest', '--target', join(lab.work, 'restored'));
  expect(describeTree(join(lab.work, 'restored/web/files/data'))).toEqual(describeTree(lab.tree));
});

test('restic finds nothing to add to what Davit has stored, and nothing has changed', async () => {
  makeHostileTree(lab.tree);
  // Of several attributes, the kernel tells them in an order that getfattr does not keep.
  execFileSync('setfattr', ['-x', 'user.binary', 'deep'], { cwd: lab.tree });
  await writeFile(join(lab.tree, 'large'), Buffer.concat([noise(11_000_000), Buffer.alloc(3_000_000), noise(5_000_000, 2)]));
  await lab.storeTree();
  expect(lab.backupOver(lab.tree, '--force')).toMatchObject({ data_blobs: 0, tree_blobs: 0 });
});

test('an unchanged file is not read again, a changed one is', async () => {
  await writeFile(join(lab.tree, 'large'), noise(20_000_000));
  await writeFile(join(lab.tree, 'small'), 'one');
  const first = await lab.storeTree();
  const bytesRead = async (): Promise<number> => Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
  const before = await bytesRead();
  await writeFile(join(lab.tree, 'small'), 'two');
  const second = await lab.storeTree();
  expect((await bytesRead()) - before).toBeLessThan(5_000_000);
  expect(second.stored.stored.bytes).toBeLessThan(5_000);
  expect(second.stored.plain).toMatchObject({ bytes: 20_000_003 });
  expect(second.stored.plain.sha256).not.toBe(first.stored.plain.sha256);
  await utimes(join(lab.tree, 'large'), 1, 1);
  expect((await lab.storeTree()).stored.stored.bytes).toBeLessThan(5_000);
  expect((await bytesRead()) - before).toBeGreaterThan(20_000_000);
});

test('attributes of what is unchanged are kept, those that have changed are read', async () => {
  makeHostileTree(lab.tree);
  const { stored } = await lab.storeTree();
  expect((await lab.storeTree()).stored.plain).toEqual(stored.plain);
  execFileSync('setfattr', ['-n', 'user.new', '-v', 'later', 'deep'], { cwd: lab.tree });
  const { manifest, stored: changed } = await lab.storeTree();
  expect(changed.plain.sha256).not.toBe(stored.plain.sha256);
  const target = join(lab.work, 'restored');
  await mkdir(target);
  await lab.repository.extract(manifest, onlyArtifact(manifest), target);
  expect(describeTree(target)).toEqual(describeTree(lab.tree));
});

test('a file that changed while it was stored may have changed again unseen, so it is read again', async () => {
  await writeFile(join(lab.tree, 'large'), noise(20_000_000));
  await lab.storeTree(new Date(Date.now() - 1000).toISOString());
  const bytesRead = async (): Promise<number> => Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
  const before = await bytesRead();
  await lab.storeTree();
  expect((await bytesRead()) - before).toBeGreaterThan(20_000_000);
});

test('what was read ahead is not read again, and what has changed since then is', async () => {
  await writeFile(join(lab.tree, 'large'), noise(20_000_000));
  await writeFile(join(lab.tree, 'small'), 'one');
  const name = { service: 'web', name: 'files/data', extension: 'tar' };
  const address = newAddress('shop');
  await using writer = await lab.repository.begin(address);
  const read = async (since?: EarlierTree) => {
    // As a worker does it.
    const worker = createResticRepository({ storage: lab.storage, password });
    await using other = await worker.begin(address);
    return other.putTree(name, { root: lab.tree, exclude: [], since });
  };
  const since = { stored: await read(), startedAt: new Date(Date.now() + 1000).toISOString() };
  const bytesRead = async (): Promise<number> => Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
  const before = await bytesRead();
  await writeFile(join(lab.tree, 'small'), 'another');
  const { warnings: _, ...stored } = await read(since);
  expect((await bytesRead()) - before).toBeLessThan(5_000_000);
  expect(stored.stored.bytes).toBeGreaterThan(20_000_000);
  const manifest = manifestOf(address, [{ ...artifactOf(name, stored), kind: 'files', path: '/data' }]);
  await writer.commit(manifest);
  const target = join(lab.work, 'restored');
  await mkdir(target);
  await lab.repository.extract(manifest, onlyArtifact(manifest), target);
  expect(describeTree(target)).toEqual(describeTree(lab.tree));
});

test('a change costs what changed', async () => {
  const bytes = noise(30_000_000);
  await storeSnapshot(lab.repository, newAddress('shop'), bytes);
  const changed = Buffer.concat([Buffer.from('one more byte'), bytes]);
  const manifest = await storeSnapshot(lab.repository, newAddress('shop'), changed);
  expect(onlyArtifact(manifest).stored.bytes).toBeLessThan(8_400_000);
  expect((await digest(await lab.repository.read(manifest, onlyArtifact(manifest)))).bytes).toBe(changed.length);
});
