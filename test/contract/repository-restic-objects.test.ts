import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { noise } from '../support/bytes.ts';
import { newestRestic, password } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { newAddress, storeSnapshot } from '../support/snapshots.ts';

/** Damage of what a repository has beside its packs. */
let lab: ResticLab;
let manifest: Manifest;
beforeEach(async () => {
  lab = await createResticLab();
  manifest = await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
});
afterEach(() => lab[Symbol.asyncDispose]());

const open = (): Repository => createResticRepository({ storage: lab.storage, password });

async function fileIn(folder: string): Promise<string> {
  const [first] = await Array.fromAsync(lab.storage.list(folder));
  return join(lab.location, first?.key ?? '');
}

test('a damaged key is told from a wrong password', async () => {
  const key = await fileIn('keys');
  await appendFile(key, ' ');
  await expect(open().list('shop')).rejects.toThrow(/keys\/[0-9a-f]{64}: this key holds other bytes than were stored.*bring it back/);
  await expect(open().begin(newAddress('shop'))).rejects.toThrow(/this key holds other bytes than were stored/);
});

test('a damaged config is said, and one that is missing is made anew, because nothing of it is needed to read', async () => {
  const config = join(lab.location, 'config');
  await appendFile(config, 'x');
  await expect(open().list('shop')).rejects.toThrow(/config: the stored bytes are not those.* — take it away/);
  await rm(config);
  expect(await open().list('shop')).toEqual({ manifests: [manifest], damaged: [] });
  const next = await storeSnapshot(open(), newAddress('shop'), noise(2000));
  expect(await open().check([next, manifest], 'bytes')).toEqual([]);
  expect(newestRestic().run(lab.location, 'check', '--read-data')).toContain('no errors were found');
});

test('where the keys are lost, too, no other one is made that opens nothing of what is there', async () => {
  await rm(join(lab.location, 'config'));
  await rm(join(lab.location, 'keys'), { recursive: true });
  await expect(open().list('shop')).rejects.toThrow(/is a repository without any key — bring its folder `keys` back/);
  await expect(open().begin(newAddress('shop'))).rejects.toThrow(/is a repository without any key/);
  expect(await Array.fromAsync(lab.storage.list('keys'))).toEqual([]);
});

test('a damaged index is said, with what mends it', async () => {
  await appendFile(await fileIn('index'), 'x');
  await expect(open().begin(newAddress('shop'))).rejects.toThrow(/index\/[0-9a-f]{64}: the stored bytes.*restic repair index/);
  await expect(open().check([manifest], 'sizes')).rejects.toThrow(/restic repair index/);
  expect((await open().list('shop')).manifests).toEqual([manifest]);
  newestRestic().run(lab.location, 'repair', 'index');
  expect(await open().check([manifest], 'bytes')).toEqual([]);
});

test('a snapshot that the storage does not give now is neither damaged nor forgotten', async () => {
  let isDown = true;
  const { get } = lab.storage;
  const storage: typeof lab.storage = {
    ...lab.storage,
    get: (key, signal) => (isDown && key.startsWith('snapshots/') ? Promise.reject(new Error('the storage is down')) : get(key, signal)),
  };
  const repository = createResticRepository({ storage, password });
  await expect(repository.list('shop')).rejects.toThrow('the storage is down');
  isDown = false;
  expect(await repository.list('shop')).toEqual({ manifests: [manifest], damaged: [] });
});
