import { execFileSync } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import type { Repository } from '../../src/repository/repository.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createAgeKeys } from '../support/age-keys.ts';
import { noise, streamOf } from '../support/bytes.ts';
import { createPortable } from '../support/repositories.ts';
import { newAddress, storeSnapshot } from '../support/snapshots.ts';
import { openFilesystem } from '../support/storages.ts';

let place: Awaited<ReturnType<typeof openFilesystem>>;
let root: string;
let repository: Repository;
beforeEach(async () => {
  place = await openFilesystem();
  root = place.address.directory;
  repository = createPortable(place.storage);
});
afterEach(() => place[Symbol.asyncDispose]());

const store = (into = repository, bytes = noise(1000)) => storeSnapshot(into, newAddress('app'), bytes);

const folderOf = ({ stack, set, id }: Manifest) => join(root, stack, set, id);

test('what is stored can be read without Davit', async () => {
  const keys = createAgeKeys();
  const content = noise(100_000);
  const manifest = await store(createPortable(place.storage, keys), content);
  await writeFile(join(root, 'identity'), keys.identity);
  const line = `age --decrypt --identity "${root}/identity" "${folderOf(manifest)}/db/shop.sql.zst.age" | zstd --decompress`;
  expect(execFileSync('bash', ['-o', 'pipefail', '-c', line]).equals(content)).toBe(true);
});

test('the manifest is text for people', async () => {
  const manifest = await store();
  const text = await readFile(join(folderOf(manifest), 'manifest.json'), 'utf8');
  expect(JSON.parse(text)).toEqual(manifest);
  expect(text).toContain('\n  "artifacts": [\n');
});

test('names with slashes and odd characters stay inside the snapshot', async () => {
  await using writer = await repository.begin({ stack: 'a/b', set: 'default', id: '20261121T030000Z-aaaaaa' });
  const { file } = await writer.put({ service: '..', name: 'files/../var//w w', extension: 'tar' }, streamOf(noise(10)));
  expect(file).toBe('%2E%2E/files/%2E%2E/var/w%20w.tar.zst');
  expect(await readFile(join(root, 'a%2Fb/default/20261121T030000Z-aaaaaa', file))).toBeDefined();
  const long = { service: 's', name: '\u6f22'.repeat(64), extension: 'sql' };
  const stored = await writer.put(long, streamOf(noise(10)));
  expect(await readFile(join(root, 'a%2Fb/default/20261121T030000Z-aaaaaa', stored.file))).toBeDefined();
  await expect(writer.put({ service: 's', name: '/', extension: 'tar' }, streamOf(noise(10)))).rejects.toThrow('cannot become a file name');
  await expect(writer.put({ service: 's', name: 'x/'.repeat(400), extension: 'tar' }, streamOf(noise(10)))).rejects.toThrow(
    'cannot become a file name',
  );
});

describe('a damaged manifest is reported, and the others are listed', () => {
  test.for([
    ['cut', (text: string) => text.slice(0, 100), /is not JSON/],
    ['empty', () => '', /is not JSON/],
    ['lacking a field', (text: string) => text.replace('"sequence"', '"consequence"'), /sequence/],
    ['of a later version', (text: string) => text.replace('"version": 1', '"version": 2'), /version/],
    ['of another snapshot', (text: string) => text.replace(/"stack": "app"/, '"stack": "other"'), /not the place where it lies/],
  ] as const)('%s', async ([, change, message]) => {
    const [good, bad] = [await store(), await store()];
    const path = join(folderOf(bad), 'manifest.json');
    await writeFile(path, change(await readFile(path, 'utf8')));
    const { manifests, damaged } = await repository.list('app');
    expect(manifests).toEqual([good]);
    expect(damaged).toHaveLength(1);
    expect(damaged[0]).toContain(`app/default/${bad.id}/manifest.json`);
    expect(damaged[0]).toMatch(message);
  });
});

test('a folder that was moved is not taken for the other stack', async () => {
  const manifest = await store();
  await rename(join(root, 'app'), join(root, 'copy'));
  expect(await repository.list('app')).toEqual({ manifests: [], damaged: [] });
  const { manifests, damaged } = await repository.list('copy');
  expect(manifests).toEqual([]);
  expect(damaged[0]).toContain(manifest.id);
});

test('files of other people are neither listed nor swept', async () => {
  await place.storage.put('app/notes/readme.txt', streamOf(noise(10)));
  await place.storage.put('app/default/not-an-id/manifest.json', streamOf(noise(10)));
  expect(await repository.list('app')).toEqual({ manifests: [], damaged: [] });
  expect(await repository.stacks()).toEqual([]);
  expect(await repository.sweep('app', () => true)).toBe(0);
});

test('removal begins with the manifest', async () => {
  const manifest = await store();
  const removed: (readonly string[])[] = [];
  const storage: Storage = { ...place.storage, remove: async (keys) => void removed.push(keys) };
  await createPortable(storage).remove([manifest]);
  expect(removed).toEqual([[`app/default/${manifest.id}/manifest.json`], [`app/default/${manifest.id}/db/shop.sql.zst`]]);
});

test('what the storage has proven is not read again, everything else is', async () => {
  const read: string[] = [];
  function withProof(proven: boolean): Repository {
    const put: Storage['put'] = async (...all) => ({ ...(await place.storage.put(...all)), proven });
    const get: Storage['get'] = async (key, signal) => (read.push(key.split('/').at(-1) ?? ''), place.storage.get(key, signal));
    return createPortable({ ...place.storage, put, get });
  }
  await store(withProof(true));
  expect(read).toEqual([]);
  await store(withProof(false));
  expect(read.toSorted()).toEqual(['manifest.json', 'shop.sql.zst']);
});

test('a storage that keeps other bytes than it got is found before the commit', async () => {
  const get: Storage['get'] = async (key, signal) => {
    await writeFile(join(root, key), noise((await readFile(join(root, key))).length, 5));
    return place.storage.get(key, signal);
  };
  await expect(store(createPortable({ ...place.storage, get }))).rejects.toThrow(/shop.sql.zst holds other bytes than were stored/);
  expect(await repository.list('app')).toEqual({ manifests: [], damaged: [] });
});
