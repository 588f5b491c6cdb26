import { execFileSync } from 'node:child_process';
import { mkdir, readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFilesystemStorage, sync } from '../../src/storage/filesystem.ts';
import { digest, failing, noise, streamOf } from '../support/bytes.ts';
import { openFilesystem } from '../support/storages.ts';

let place: Awaited<ReturnType<typeof openFilesystem>>;
let root: string;
beforeEach(async () => {
  place = await openFilesystem();
  root = place.address.directory;
});
afterEach(() => place[Symbol.asyncDispose]());

test('nobody else may read what is stored', async () => {
  await place.storage.put('app/default/dump.sql', streamOf(noise(10)));
  expect((await stat(join(root, 'app/default/dump.sql'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(root, 'app/default'))).mode & 0o777).toBe(0o700);
});

test.for(['', '/etc/passwd', '../outside', 'a/../../outside', 'a//b', './a', 'a/.', 'a/', 'nul\0', 'a/.b.0123456789ab.part'])(
  'the key %j is refused',
  async (key) => {
    await expect(place.storage.put(key, streamOf(noise(1)))).rejects.toThrow('not a usable key');
    await expect(place.storage.get(key)).rejects.toThrow('not a usable key');
    await expect(place.storage.remove([key])).rejects.toThrow('not a usable key');
  },
);

test('folders go with their last file, the root stays', async () => {
  await place.storage.put('app/default/one/a', streamOf(noise(1)));
  await place.storage.put('app/default/two/b', streamOf(noise(1)));
  await place.storage.remove(['app/default/one/a']);
  expect(await readdir(join(root, 'app/default'))).toEqual(['two']);
  await place.storage.remove(['app/default/two/b']);
  expect(await readdir(root)).toEqual([]);
});

test('a failed put leaves no folder behind', async () => {
  await expect(place.storage.put('app/default/a', failing(10, new Error('the source broke')))).rejects.toThrow('the source broke');
  expect(await readdir(root)).toEqual([]);
});

test('a folder in which nothing can be made, as one that was removed under its mount, is an error and no endless wait', async () => {
  const { put } = createFilesystemStorage('/proc/davit');
  await expect(put('app/default/a', streamOf(noise(1)))).rejects.toThrow(/the folder was removed/);
});

test('a folder that its file system cannot sync, as in /proc, is no error', async () => {
  expect(await sync('/proc').catch((error: unknown) => error)).toBeUndefined();
});

test('what is half-made is as old as the last byte: not every file system knows when a file was made', async () => {
  await writeFile(join(root, '.object.0123456789ab.part'), 'half');
  await utimes(join(root, '.object.0123456789ab.part'), 0, 1_700_000_000);
  const asked: Date[] = [];
  await place.storage.sweep('', (_, since) => (asked.push(since), false));
  expect(asked).toEqual([new Date(1_700_000_000_000)]);
});

test('puts survive removals next door', async () => {
  await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      await place.storage.put(`app/default/${index}`, streamOf(noise(10)));
      await place.storage.remove([`app/default/${index}`]);
    }),
  );
  expect(await readdir(root)).toEqual([]);
});

test('a file that shrinks while it is read is an error', async () => {
  await place.storage.put('object', streamOf(noise(20_000_000)));
  const stream = await place.storage.get('object');
  stream.once('data', () => void truncate(join(root, 'object'), 5_000_000));
  await expect(digest(stream)).rejects.toThrow(/ended after \d+ of 20000000 bytes/);
});

test('a folder in the place of the file is said', async () => {
  await mkdir(join(root, 'object'));
  await expect(place.storage.put('object', streamOf(noise(10)))).rejects.toThrow(join(root, 'object'));
  expect(await readdir(root)).toEqual(['object']);
});

test('a file in the place of the root is said', async () => {
  await writeFile(join(root, 'file'), '');
  await expect(createFilesystemStorage(join(root, 'file')).put('object', streamOf(noise(10)))).rejects.toThrow('DAVIT_STORAGE');
});

describe('a full disk', () => {
  beforeEach(() => void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', root]));
  afterEach(() => void execFileSync('umount', [root]));

  test('is said with what to do, and nothing stays', async () => {
    const storing = place.storage.put('app/object', streamOf(noise(5_000_000)));
    await expect(storing).rejects.toThrow(/app\/object: the disk is full.*DAVIT_KEEP/);
    expect(await readdir(root)).toEqual([]);
  });
});
