import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Artifact, Manifest, StoredFile } from '../../src/model/snapshot.ts';
import type { Repository, SnapshotAddress } from '../../src/repository/repository.ts';
import { digest, noise, sha256, streamOf } from '../support/bytes.ts';
import { repositories, type OpenRepository } from '../support/repositories.ts';
import { artifactOf, dump, manifestOf, newAddress, onlyArtifact, storeSnapshot } from '../support/snapshots.ts';

describe.each(repositories)('repository: $name', ({ open }) => {
  let opened: OpenRepository;
  let repository: Repository;
  const known = new Set<string>();
  beforeAll(async () => {
    opened = await open();
    repository = opened.repository;
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  const store = (address: SnapshotAddress, bytes: Buffer) => storeSnapshot(repository, address, bytes);

  /** Where the bytes of the last artifact lie: in the one large object that is new. */
  async function newestKey(): Promise<string> {
    const objects = await Array.fromAsync(opened.storage.list(''));
    const large = objects.map(({ key, bytes }) => ({ key, bytes })).filter(({ bytes }) => bytes >= 200_000);
    const fresh = large.find(({ key }) => !known.has(key));
    for (const { key } of large) known.add(key);
    return fresh?.key ?? '';
  }

  describe('commit refuses', () => {
    async function refused(change: (stored: StoredFile) => StoredFile): Promise<void> {
      const address = newAddress('refused');
      await using writer = await repository.begin(address);
      const stored = await writer.put(dump, streamOf(noise(1000)));
      await expect(writer.commit(manifestOf(address, [artifactOf(dump, change(stored))]))).rejects.toThrow(stored.file.split('.')[0]);
      expect((await repository.list('refused')).manifests).toEqual([]);
      await writer.abort();
    }

    test('an artifact of another size', () =>
      refused((stored) => ({ ...stored, plain: { ...stored.plain, bytes: 7 }, stored: { ...stored.stored, bytes: 7 } })));
    test('an artifact that is not there', () => refused((stored) => ({ ...stored, file: `${stored.file}.none` })));
    test('other bytes, where nobody has confirmed them', () =>
      refused((stored) => ({ ...stored, proven: false, stored: { ...stored.stored, sha256: sha256(noise(1)) } })));
  });

  describe('damage', () => {
    let manifest: Manifest;
    let artifact: Artifact;
    let key: string;
    let seed = 0;
    async function damage(change: (bytes: Buffer) => Buffer): Promise<void> {
      // Bytes that nothing else shares.
      manifest = await store(newAddress('damaged'), noise(300_000, ++seed));
      artifact = onlyArtifact(manifest);
      key = await newestKey();
      await opened.storage.put(key, streamOf(change(await buffer(await opened.storage.get(key)))));
    }

    test('a flipped byte is found by check and by read', async () => {
      await damage((bytes) => (bytes.writeUInt8(bytes.readUInt8(200_000) ^ 1, 200_000), bytes));
      expect(await repository.check([manifest], 'sizes')).toEqual([]);
      expect(await repository.check([manifest], 'bytes')).toMatchObject([{ artifact: 'db/shop' }]);
      await expect(repository.read(manifest, artifact).then(digest)).rejects.toThrow();
    });

    test('shares find a flipped byte when they reach it, and between them they reach everything once', async () => {
      const whole = await store(newAddress('damaged'), noise(400_000, 99));
      await newestKey();
      await damage((bytes) => (bytes.writeUInt8(bytes.readUInt8(200_000) ^ 1, 200_000), bytes));
      const flaws = [];
      for (const part of [1, 2, 3]) flaws.push(...(await repository.check([whole, manifest], { part, of: 3 })));
      expect(flaws).toMatchObject([{ snapshot: manifest.id, artifact: 'db/shop' }]);
      expect(await repository.check([whole, manifest], { percent: 100 })).toEqual(flaws);
      expect(await repository.check([whole], { percent: 100 })).toEqual([]);
    });

    test('a missing end is found by size', async () => {
      await damage((bytes) => bytes.subarray(0, -100));
      expect(await repository.check([manifest], 'sizes')).toMatchObject([{ artifact: 'db/shop' }]);
      await expect(repository.read(manifest, artifact).then(digest)).rejects.toThrow();
    });

    test('a whole but different object is found by read', async () => {
      await damage((bytes) => bytes);
      await store(newAddress('other'), noise(300_000, 77));
      const otherKey = await newestKey();
      await opened.storage.put(key, await opened.storage.get(otherKey));
      await expect(repository.read(manifest, artifact).then(digest)).rejects.toThrow(/bytes are not those|is not what was stored/);
    });

    test('a missing object is found', async () => {
      await damage((bytes) => bytes);
      await opened.storage.remove([key]);
      expect(await repository.check([manifest], 'sizes')).toMatchObject([
        { artifact: 'db/shop', problem: expect.stringContaining('missing') as string },
      ]);
      expect(await repository.check([manifest], 'bytes')).toHaveLength(1);
      await expect(repository.read(manifest, artifact).then(digest)).rejects.toThrow('does not exist');
    });

    test('plain bytes that differ from the manifest are found by read', async () => {
      const stored = await store(newAddress('damaged'), noise(1000));
      const lying = { ...onlyArtifact(stored), plain: { bytes: 1000, sha256: sha256(noise(1, 9)) } };
      await expect(digest(await repository.read(stored, lying))).rejects.toThrow(/decoded bytes are not those/);
    });

    test('an unknown codec says so', async () => {
      const stored = await store(newAddress('damaged'), noise(1000));
      await expect(repository.read(stored, { ...onlyArtifact(stored), codecs: ['lzma9'] })).rejects.toThrow('lzma9');
    });
  });
});
