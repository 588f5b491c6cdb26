import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { noise } from '../support/bytes.ts';
import { type FaultyS3, type Seen, startFaultyS3 } from '../support/faulty-s3.ts';
import { newestRestic, password } from '../support/restic.ts';
import { createResticLab } from '../support/restic-lab.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { newAddress, storeSnapshot } from '../support/snapshots.ts';

/** Whoever takes over the host must not be able to destroy the past: its credentials may add, and delete locks. */
let server: S3Server;
beforeAll(async () => {
  server = await startS3('davit-test/s3-fast');
});
afterAll(() => server[Symbol.asyncDispose]());

const denied = { answer: 403, code: 'AccessDenied' };

/** Refuses what the policy of docs/incremental.md does, and counts it. Without `locks`, they may not be deleted either. */
function restrict(proxy: FaultyS3, locks = true): { overwritten(): number; deleted(): number } {
  const there = new Set<string>();
  const overwrites = ({ method, url }: Seen): boolean => {
    const begins = (method === 'PUT' && !url.searchParams.has('partNumber')) || (method === 'POST' && url.searchParams.has('uploads'));
    return begins && (there.has(url.pathname) || !there.add(url.pathname));
  };
  const deletes = ({ method, url }: Seen): boolean => method === 'DELETE' && !(locks && url.pathname.includes('/locks/'));
  // So that keys are deleted one by one: the policy judges each, also in a batch.
  proxy.inject({ answer: 501, code: 'NotImplemented' }, ({ method, url }) => method === 'POST' && url.searchParams.has('delete'), Infinity);
  return { overwritten: proxy.inject(denied, overwrites, Infinity), deleted: proxy.inject(denied, deletes, Infinity) };
}

async function opened(prefix: string) {
  const proxy = await startFaultyS3(server.endpoint);
  const storage = createS3Storage({ bucket: server.bucket, prefix, environment: server.environmentFor(proxy.endpoint) });
  return {
    proxy,
    storage,
    repository: createResticRepository({ storage, password }),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

async function backUp(repository: Repository, seed: number) {
  await repository.sweep('shop', () => true);
  const manifest = await storeSnapshot(repository, newAddress('shop'), noise(20_000_000, seed));
  expect(await repository.check([manifest], 'bytes')).toEqual([]);
  return manifest;
}

test('a backup needs no right to delete anything but locks, nor to overwrite; a removal is refused and harms nothing', async () => {
  await using place = await opened('append-only');
  const { proxy, storage, repository } = place;
  const refused = restrict(proxy);
  const manifests = [];
  for (const seed of [1, 2, 1]) manifests.unshift(await backUp(repository, seed));
  expect([refused.overwritten(), refused.deleted()]).toEqual([0, 0]);
  expect(await Array.fromAsync(storage.list('locks'))).toEqual([]);

  await expect(repository.remove(manifests.slice(1))).rejects.toThrow(/access denied/);
  expect(refused.deleted()).toBeGreaterThan(0);
  expect(await Array.fromAsync(storage.list('locks'))).toEqual([]);
  expect((await repository.list('shop')).manifests).toEqual(manifests);
  expect(await repository.check(manifests, 'bytes')).toEqual([]);
  await backUp(repository, 3);
});

test('a lock that may not be deleted does not spoil the snapshot, and the next run says what is missing', async () => {
  await using place = await opened('no-locks');
  const { proxy, repository } = place;
  restrict(proxy, false);
  const manifest = await storeSnapshot(repository, newAddress('shop'), noise(1000));
  expect((await repository.list('shop')).manifests).toEqual([manifest]);
  await expect(repository.sweep('shop', () => true)).rejects.toThrow(/no-locks\/locks\/.*access denied/);
});

test('neither a backup nor a removal overwrites anything, and a backup removes nothing but locks', async () => {
  await using lab = await createResticLab();
  const seen = new Set<string>();
  let isRemoval = false;
  const storage: Storage = {
    ...lab.storage,
    async put(key, data, signal) {
      if (seen.has(key)) throw new Error(`${key} is there already`);
      seen.add(key);
      return lab.storage.put(key, data, signal);
    },
    async remove(keys) {
      for (const key of keys) if (!isRemoval && !key.startsWith('locks/')) throw new Error(`${key} may not be removed`);
      return lab.storage.remove(keys);
    },
  };
  const restricted = createResticRepository({ storage, password });
  const manifests = [];
  for (const seed of [1, 2, 1]) manifests.push(await backUp(restricted, seed));
  isRemoval = true;
  await restricted.remove(manifests.slice(0, 2));
  isRemoval = false;
  await backUp(restricted, 2);
  expect(newestRestic().run(lab.location, 'check', '--read-data')).toContain('no errors were found');
});
