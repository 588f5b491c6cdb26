import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packTree, unpackTree } from '../../src/codecs/tar.ts';
import { describeTree, makeHostileTree, usedBytes } from '../support/hostile-tree.ts';
import { until } from '../support/processes.ts';

let work: string;
let root: string;
let target: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'davit-tar-'));
  root = join(work, 'root');
  target = join(work, 'target');
  await mkdir(root);
  await mkdir(target);
});
afterEach(() => rm(work, { recursive: true, force: true }));

async function copy(exclude: readonly string[] = [], path?: string): Promise<string[]> {
  const { stream, warnings } = packTree({ root, exclude });
  await pipeline(stream, unpackTree(target, path));
  return warnings();
}

async function write(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), `content of ${name}`);
  }
}

async function unpacked(): Promise<string[]> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))
    .toSorted();
}

describe('a round trip', () => {
  test('keeps everything a tree can hold', async () => {
    makeHostileTree(root);
    const before = describeTree(root);
    expect(before.length).toBeGreaterThan(50);
    expect(await copy()).toEqual([]);
    expect(describeTree(target)).toEqual(before);
    expect(usedBytes(join(target, 'sparse'))).toBeLessThan(1024 * 1024);
  });

  test('an empty tree keeps its owner and mode', async () => {
    await chown(root, 12, 34);
    await chmod(root, 0o1751);
    await copy();
    expect(describeTree(target)).toEqual(describeTree(root));
  });

  test('the same tree gives the same bytes', async () => {
    makeHostileTree(root);
    // tar names sparse files after its process id inside the archive.
    await unlink(join(root, 'sparse'));
    const first = await buffer(packTree({ root, exclude: [] }).stream);
    expect(first.equals(await buffer(packTree({ root, exclude: [] }).stream))).toBe(true);
  });

  test('sockets are left out without a word', async () => {
    await write('file');
    const server = createServer().listen(join(root, 'socket'));
    await until(() => existsSync(join(root, 'socket')));
    expect(await copy()).toEqual([]);
    server.close();
    expect(await unpacked()).toEqual(['file']);
  });

  test('any tar reads it', async () => {
    await write('file', 'folder/file');
    const archive = await buffer(packTree({ root, exclude: [] }).stream);
    const names = execFileSync('tar', ['--list'], { input: archive, encoding: 'utf8' }).trim().split('\n');
    expect(names.toSorted()).toEqual(['./', './file', './folder/', './folder/file']);
  });

  test('unpacking replaces files that are there', async () => {
    await write('file');
    await writeFile(join(target, 'file'), 'old and longer than the new one');
    await copy();
    expect(await readFile(join(target, 'file'), 'utf8')).toBe('content of file');
  });
});

describe('exclusion', () => {
  test('takes paths literally, with everything below', async () => {
    const kept = ['keep', 'cache2/keep', 'sub/cache/keep', 'star/other', 'sub/a', 'tail', 'back\\slash2'];
    const left = ['cache/gone', 'cache/deep/gone', 'star/*', 'sub/new\nline', 'tail ', '-dash', '#hash', 'back\\slash', '[a]'];
    await write(...kept, ...left);
    await copy(['cache', 'star/*', 'sub/new\nline', 'tail ', '-dash', '#hash', 'back\\slash', '[a]', 'absent']);
    expect(await unpacked()).toEqual(kept.toSorted());
  });

  test('manages ten thousand paths', async () => {
    const names = Array.from(
      { length: 10_000 },
      (_, index) => `a-rather-long-folder-name-to-exceed-any-limit-on-arguments/${index}-${'x'.repeat(200)}`,
    );
    await write('keep', names[0] ?? '', names.at(-1) ?? '');
    await copy(names);
    expect(await unpacked()).toEqual(['keep']);
  });
});

describe('a part of the tree', () => {
  beforeEach(() => write('a/one', 'a/b/two', 'ab/three', 'x/*/four', 'x/y/five', 'back\\n/six', '-dash', '[c]'));

  test.for([
    ['a', ['a/b/two', 'a/one']],
    ['./a/', ['a/b/two', 'a/one']],
    ['/a/one', ['a/one']],
    ['x/*', ['x/*/four']],
    ['back\\n', ['back\\n/six']],
    ['-dash', ['-dash']],
    ['[c]', ['[c]']],
  ] as const)('%s brings exactly that', async ([path, expected]) => {
    await copy([], path);
    expect(await unpacked()).toEqual(expected);
  });

  test('the empty path is the whole tree', async () => {
    await copy([], '.');
    expect(await unpacked()).toHaveLength(8);
  });

  test('a path that is not there is an error', async () => {
    await expect(copy([], 'a/none')).rejects.toThrow('path "a/none": is not in this artifact');
  });

  test('a hard link to outside says what it needs', async () => {
    await rm(root, { recursive: true });
    await write('first/file', 'second/other');
    execFileSync('ln', ['first/file', 'second/link'], { cwd: root });
    execFileSync('ln', ['second/other', 'first/link'], { cwd: root });
    const outcomes = [];
    // Whichever folder tar reads last holds a link into the other.
    for (const folder of ['first', 'second']) {
      await rm(target, { recursive: true });
      await mkdir(target);
      outcomes.push(...(await Promise.allSettled([copy([], folder)])));
    }
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(/has a hard link to a file outside of it: (first|second)\//);
  });
});
