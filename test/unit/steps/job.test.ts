import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Repository } from '../../../src/repository/repository.ts';
import { type Capture, type CaptureResult, captureTree, type Extract, extractTree } from '../../../src/steps/job.ts';
import { exclusions } from '../../../src/steps/selection.ts';
import { filesArtifact, manifest } from '../../support/builders.ts';
import { captureJob } from '../../support/capture-job.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'davit-unit-'));
  for (const file of ['old.txt', 'cache/keep.tmp', 'cache/deep/old.txt', 'empty-soon/old.txt', 'conf/a.conf', 'conf/b.txt']) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function files(): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}

/** What is left when the snapshot is about to be unpacked, and what the repository is asked to unpack. */
async function clearFor(job: Partial<Extract>, isFile = false): Promise<{ left: string[]; asked: string | undefined; into: string }> {
  let left: string[] = [];
  let asked: string | undefined;
  let into = '';
  const extract: Repository['extract'] = async (_manifest, _artifact, target, path) => {
    [asked, into] = [path, target];
    left = await files();
  };
  const base = {
    kind: 'extract',
    manifest: manifest(),
    artifact: filesArtifact('app', '/data'),
    databases: [],
    root,
    path: '/data',
    include: [],
    exclude: [],
  } as const;
  const repository = { extract, isFile: async () => isFile } as unknown as Repository;
  await extractTree(repository, { ...base, ...job } as Extract, new AbortController().signal);
  return { left, asked, into };
}

test('a whole tree is emptied first, so that it becomes what the snapshot holds', async () => {
  expect(await clearFor({})).toEqual({ left: [], asked: undefined, into: root });
});

test('what came later goes, also where its name is no text', async () => {
  const raw = (name: string): Buffer => Buffer.from(join(root, name), 'latin1');
  await mkdir(raw('caf\xe9'));
  for (const file of ['caf\xe9/men\xfc', 'caf\xe9.txt', 'cache/\xff', 'ü']) await writeFile(raw(file), '');
  expect((await clearFor({ exclude: ['/data/cache/keep.tmp'] })).left).toEqual(['cache/keep.tmp']);
});

test('what the snapshot left out stays', async () => {
  expect((await clearFor({ exclude: ['/data/cache/*.tmp'] })).left).toEqual(['cache/keep.tmp']);
});

test('what was not included stays', async () => {
  expect((await clearFor({ include: ['/data/conf/*.conf'] })).left).toEqual([
    'cache/deep/old.txt',
    'cache/keep.tmp',
    'conf/b.txt',
    'empty-soon/old.txt',
    'old.txt',
  ]);
});

test('a part of a tree replaces only that part', async () => {
  expect(await clearFor({ only: 'cache' })).toEqual({
    left: ['conf/a.conf', 'conf/b.txt', 'empty-soon/old.txt', 'old.txt'],
    asked: 'cache',
    into: root,
  });
});

test('what is not there yet, as on an empty host, comes into folders that are made', async () => {
  const before = await files();
  const [folder, file] = [join(root, 'a/new/folder'), join(root, 'another/file')];
  expect(await clearFor({ root: folder })).toEqual({ left: before, asked: undefined, into: folder });
  expect((await readdir(folder)).length).toBe(0);
  expect(await clearFor({ root: file }, true)).toEqual({ left: before, asked: 'file', into: dirname(file) });
});

test('a folder is not emptied for a file, nor a file replaced by a folder', async () => {
  const before = await files();
  await expect(clearFor({}, true)).rejects.toThrow('/data: is a folder here, and a file in the snapshot');
  await expect(clearFor({ root: join(root, 'old.txt') })).rejects.toThrow('/data: is a file here, and a folder in the snapshot');
  expect(await files()).toEqual(before);
});

test.each([
  ['left out', { only: 'cache', exclude: ['/data/**/*.tmp'] }, 'cache/keep.tmp'],
  ['left out one by one', { only: 'cache/deep', exclude: ['/data/cache/deep/old.txt'] }, 'cache/deep/old.txt'],
  ['not included', { only: 'conf', include: ['/data/**/*.conf'] }, 'conf/b.txt'],
])('what the snapshot lacks because it was %s stays, also when a part is replaced', async (_, job, stays) => {
  const before = await files();
  const { only } = job;
  expect((await clearFor(job)).left).toEqual(before.filter((file) => !file.startsWith(`${only}/`) || file === stays));
});

test('a part that is a link goes, and not what it leads to', async () => {
  await symlink('cache', join(root, 'link'));
  expect((await clearFor({ only: 'link', exclude: ['/data/link/*.tmp'] })).left).toContain('cache/deep/old.txt');
  expect(await readdir(root)).not.toContain('link');
});

test('exclusions are relative to the tree, wherever it lies now', async () => {
  expect((await exclusions(root, '/data', { include: [], exclude: ['/data/cache/**', '/data/*.txt'] })).toSorted()).toEqual([
    'cache/deep',
    'cache/keep.tmp',
    'old.txt',
  ]);
  expect(await exclusions(root, '/data', { include: ['/data'], exclude: [] })).toEqual([]);
  expect(await exclusions(root, '/data', { include: [], exclude: [] })).toEqual([]);
});

/** Captures the tree: the result, and the trees that were asked for. */
async function capture(job: Partial<Capture>): Promise<{ result: CaptureResult; asked: unknown[] }> {
  const asked: unknown[] = [];
  const putTree = async (...args: unknown[]) => (asked.push(args[1]), { warnings: [] });
  const writer = { putTree, [Symbol.asyncDispose]: async () => undefined };
  const repository = { begin: async () => writer } as unknown as Repository;
  return { result: await captureTree(repository, captureJob({ root, ...job }), new AbortController().signal), asked };
}

test('a tree is captured without what its globs leave out', async () => {
  const { asked } = await capture({ exclude: ['/data/cache', '/data/old.txt'] });
  expect(asked).toEqual([{ root, exclude: expect.arrayContaining(['cache', 'old.txt']) as unknown }]);
});

test('a tree without a file is said to be empty, also when it is by its globs', async () => {
  const warnings = async (job: Partial<Capture>) => (await capture(job)).result.warnings;
  expect(await warnings({})).toEqual([]);
  expect(await warnings({ include: ['/data/conf/*.conf'] })).toEqual([]);
  expect(await warnings({ include: ['/data/conf/*.cnf'] })).toEqual([
    'is empty: it holds no file that davit.files.include and davit.files.exclude leave',
  ]);
  await Promise.all((await files()).map((file) => rm(join(root, file))));
  expect(await warnings({})).toEqual(['is empty: it holds no file']);
});

test('ahead of the real reading, databases are left where they are', async () => {
  await writeFile(join(root, 'app.db'), `SQLite format 3\0${'x'.repeat(100)}`);
  const { result, asked } = await capture({ ahead: true });
  expect(result.databases).toEqual([]);
  expect(asked).toEqual([{ root, exclude: ['app.db', 'app.db-wal', 'app.db-shm', 'app.db-journal'] }]);
});
