import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Manifest, StoredFile } from '../../src/model/snapshot.ts';
import type { ArtifactName, Repository } from '../../src/repository/repository.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import { digest, noise, streamOf } from '../support/bytes.ts';
import { describeTree, makeHostileTree } from '../support/hostile-tree.ts';
import { newestRestic, password, restics } from '../support/restic.ts';
import { artifactOf, dump, manifestOf, newAddress, onlyArtifact, storeSnapshot } from '../support/snapshots.ts';
import { openFilesystem } from '../support/storages.ts';

const files: ArtifactName = { service: 'web', name: 'files/data', extension: 'tar' };

let place: Awaited<ReturnType<typeof openFilesystem>>;
let location: string;
let work: string;
let tree: string;
let repository: Repository;
beforeEach(async () => {
  place = await openFilesystem();
  location = place.address.directory;
  work = await mkdtemp(join(tmpdir(), 'davit-restic-'));
  tree = join(work, 'tree');
  await mkdir(tree);
  repository = createResticRepository({ storage: place.storage, password });
});
afterEach(async () => {
  await rm(work, { recursive: true, force: true });
  await place[Symbol.asyncDispose]();
});

/** What was written before is at rest then. */
const soon = (): string => new Date(Date.now() + 1000).toISOString();

async function storeTree(startedAt = soon(), root = tree, name = files): Promise<{ manifest: Manifest; stored: StoredFile }> {
  const address = newAddress('shop');
  await using writer = await repository.begin(address);
  const { warnings, ...stored } = await writer.putTree(name, { root, exclude: [] });
  expect(warnings).toEqual([]);
  const manifest = manifestOf(address, [{ ...artifactOf(name, stored), kind: 'files', path: '/data' }], { startedAt });
  await writer.commit(manifest);
  return { manifest, stored };
}

interface Summary {
  readonly data_blobs: number;
  readonly tree_blobs: number;
  readonly files_unmodified: number;
}

/** What real restic finds to add when it backs up the same folder. */
function backupOver(folder: string, ...args: string[]): Summary {
  const lines = newestRestic()
    .runIn(folder, location, 'backup', '.', '--json', ...args)
    .trim()
    .split('\n');
  return JSON.parse(lines.at(-1) ?? '') as Summary;
}

test.for(restics.map(({ name }) => name))('%s reads every byte and finds nothing wrong', async (name) => {
  makeHostileTree(tree);
  await storeSnapshot(repository, newAddress('shop'), noise(30_000_000));
  await storeTree();
  const { run } = restics.find((restic) => restic.name === name) ?? newestRestic();
  expect(run(location, 'check', '--read-data')).toContain('no errors were found');
  expect(run(location, 'dump', 'latest', '/davit/manifest.json')).toContain('"stack": "shop"');
});

test('restic restores what was there', async () => {
  makeHostileTree(tree);
  await storeTree();
  newestRestic().run(location, 'restore', 'latest', '--target', join(work, 'restored'));
  expect(describeTree(join(work, 'restored/web/files/data'))).toEqual(describeTree(tree));
});

test('restic finds nothing to add to what Davit has stored, and nothing has changed', async () => {
  makeHostileTree(tree);
  // Of several attributes, the kernel tells them in an order that getfattr does not keep.
  execFileSync('setfattr', ['-x', 'user.binary', 'deep'], { cwd: tree });
  await writeFile(join(tree, 'large'), Buffer.concat([noise(11_000_000), Buffer.alloc(3_000_000), noise(5_000_000, 2)]));
  await storeTree();
  expect(backupOver(tree, '--force')).toMatchObject({ data_blobs: 0, tree_blobs: 0 });
});

test('an unchanged file is not read again, a changed one is', async () => {
  await writeFile(join(tree, 'large'), noise(20_000_000));
  await writeFile(join(tree, 'small'), 'one');
  const first = await storeTree();
  const bytesRead = async (): Promise<number> => Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
  const before = await bytesRead();
  await writeFile(join(tree, 'small'), 'two');
  const second = await storeTree();
  expect((await bytesRead()) - before).toBeLessThan(5_000_000);
  expect(second.stored.stored.bytes).toBeLessThan(5_000);
  expect(second.stored.plain).toMatchObject({ bytes: 20_000_003 });
  expect(second.stored.plain.sha256).not.toBe(first.stored.plain.sha256);
  await utimes(join(tree, 'large'), 1, 1);
  expect((await storeTree()).stored.stored.bytes).toBeLessThan(5_000);
  expect((await bytesRead()) - before).toBeGreaterThan(20_000_000);
});

test('a file that changed while it was stored may have changed again unseen, so it is read again', async () => {
  await writeFile(join(tree, 'large'), noise(20_000_000));
  await storeTree(new Date(Date.now() - 1000).toISOString());
  const bytesRead = async (): Promise<number> => Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
  const before = await bytesRead();
  await storeTree();
  expect((await bytesRead()) - before).toBeGreaterThan(20_000_000);
});

test('what somebody else removes meanwhile is noticed by a Davit that has known it', async () => {
  const shared = noise(6_000_000);
  await storeSnapshot(repository, newAddress('shop'), shared);
  const other = createResticRepository({ storage: place.storage, password });
  await other.remove((await other.list('shop')).manifests);
  const manifest = await storeSnapshot(repository, newAddress('shop'), shared);
  expect(onlyArtifact(manifest).stored.bytes).toBeGreaterThan(6_000_000);
  expect(newestRestic().run(location, 'check', '--read-data')).toContain('no errors were found');
});

test('a reader follows what a prune moves under its eyes', async () => {
  const [shared, other] = [noise(30_000_000), noise(12_000_000, 3)];
  const gone = await storeSnapshot(repository, newAddress('shop'), Buffer.concat([other, shared]));
  const kept = await storeSnapshot(repository, newAddress('shop'), shared);
  const stream = await repository.read(kept, onlyArtifact(kept));
  await createResticRepository({ storage: place.storage, password }).remove([gone]);
  expect(await digest(stream)).toEqual(onlyArtifact(kept).plain);
});

test('a snapshot is refused when somebody has pruned in spite of the lock', async () => {
  const gone = await storeSnapshot(repository, newAddress('shop'), noise(6_000_000));
  await using writer = await repository.begin(newAddress('shop'));
  const stored = await writer.put(dump, streamOf(noise(6_000_000)));
  newestRestic().run(location, 'unlock', '--remove-all');
  await createResticRepository({ storage: place.storage, password }).remove([gone]);
  const address = newAddress('shop');
  await expect(writer.commit(manifestOf(address, [artifactOf(dump, stored)]))).rejects.toThrow(/was pruned while this was written/);
  expect((await repository.list('shop')).manifests).toEqual([]);
});

test('a change costs what changed', async () => {
  const bytes = noise(30_000_000);
  await storeSnapshot(repository, newAddress('shop'), bytes);
  const changed = Buffer.concat([Buffer.from('one more byte'), bytes]);
  const manifest = await storeSnapshot(repository, newAddress('shop'), changed);
  expect(onlyArtifact(manifest).stored.bytes).toBeLessThan(8_400_000);
  expect((await digest(await repository.read(manifest, onlyArtifact(manifest)))).bytes).toBe(changed.length);
});

test('a repository made by restic is accepted, its snapshots stay, and each goes on where the other left off', async () => {
  newestRestic().run(location, 'init');
  await writeFile(join(tree, 'file'), noise(3_000_000));
  backupOver(tree);
  const gone = await storeSnapshot(repository, newAddress('shop'), noise(9_000_000, 5));
  const { manifest, stored } = await storeTree();
  expect(stored.stored.bytes).toBeLessThan(5_000);
  expect((await repository.list('shop')).manifests).toHaveLength(2);
  await repository.remove([gone]);
  expect((await repository.list('shop')).manifests).toEqual([manifest]);
  expect(backupOver(tree)).toMatchObject({ data_blobs: 0, files_unmodified: 1 });
  const { run } = newestRestic();
  expect(JSON.parse(run(location, 'snapshots', '--json'))).toHaveLength(3);
  expect(run(location, 'check', '--read-data')).toContain('no errors were found');
  run(location, 'forget', '--host', 'shop', '--keep-last', '1', '--prune');
  expect(await repository.check(manifest, 'bytes')).toEqual([]);
});

test('a prune gives back the space, and keeps what is shared', async () => {
  const [shared, other] = [noise(6_000_000), noise(12_000_000, 3)];
  const old = await storeSnapshot(repository, newAddress('shop'), Buffer.concat([shared, other]));
  const kept = await storeSnapshot(repository, newAddress('shop'), shared);
  const bytes = async (): Promise<number> => (await Array.fromAsync(place.storage.list('data'))).reduce((sum, one) => sum + one.bytes, 0);
  expect(await bytes()).toBeGreaterThan(18_000_000);
  await repository.remove([old]);
  expect(await bytes()).toBeLessThan(8_500_000);
  expect(await repository.check(kept, 'bytes')).toEqual([]);
  expect(newestRestic().run(location, 'check', '--read-data')).toContain('no errors were found');
});

test('what restic has rewritten is still known', async () => {
  const manifest = await storeSnapshot(repository, newAddress('shop'), noise(1000));
  newestRestic().run(location, 'tag', '--add', 'precious');
  expect((await repository.list('shop')).manifests).toEqual([manifest]);
  expect(await repository.check(manifest, 'bytes')).toEqual([]);
});

test('a wrong password is said, and changes nothing', async () => {
  await storeSnapshot(repository, newAddress('shop'), noise(1000));
  const stranger = createResticRepository({ storage: place.storage, password: 'another' });
  await expect(stranger.list('shop')).rejects.toThrow(/DAVIT_PASSWORD: opens none of the 1 keys/);
  await expect(stranger.begin(newAddress('shop'))).rejects.toThrow(/DAVIT_PASSWORD/);
});

test('several passwords may open one repository', async () => {
  await storeSnapshot(repository, newAddress('shop'), noise(1000));
  await writeFile(join(work, 'second'), 'the second');
  newestRestic().run(location, 'key', 'add', '--new-password-file', join(work, 'second'));
  const second = createResticRepository({ storage: place.storage, password: 'the second' });
  expect((await second.list('shop')).manifests).toHaveLength(1);
});

test('locks keep removal and writing apart, also those of restic', async () => {
  const manifest = await storeSnapshot(repository, newAddress('shop'), noise(1000));
  const writer = await repository.begin(newAddress('shop'));
  expect(() => newestRestic().run(location, 'prune')).toThrow(/already locked/);
  const removal = repository.remove([manifest]);
  await writer.put(dump, streamOf(noise(2000)));
  expect((await repository.list('shop')).manifests).toHaveLength(1);
  await writer.abort();
  await removal;
  expect((await repository.list('shop')).manifests).toEqual([]);
  expect(await Array.fromAsync(place.storage.list('locks'))).toEqual([]);
  expect(newestRestic().run(location, 'check')).toContain('no errors were found');
});

test('a snapshot that cannot be read is reported, and then nothing is removed', async () => {
  const [one, two] = [
    await storeSnapshot(repository, newAddress('shop'), noise(10)),
    await storeSnapshot(repository, newAddress('shop'), noise(20)),
  ];
  const [damaged] = await Array.fromAsync(place.storage.list('snapshots'));
  await appendFile(join(location, damaged?.key ?? ''), 'x');
  repository = createResticRepository({ storage: place.storage, password });
  const { manifests, damaged: problems } = await repository.list('shop');
  expect(manifests).toHaveLength(1);
  expect(problems).toEqual([expect.stringContaining('the stored bytes are not those')]);
  await expect(repository.remove([one, two])).rejects.toThrow(/cannot be read, so nothing is removed/);
});
