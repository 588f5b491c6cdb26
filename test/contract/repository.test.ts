import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Artifact, Manifest, StoredFile } from '../../src/model/snapshot.ts';
import type { ArtifactName, Repository, SnapshotAddress } from '../../src/repository/repository.ts';
import { digest, failing, noise, sha256, streamOf, stuck } from '../support/bytes.ts';
import { reasonOf } from '../support/reason.ts';
import { repositories, type OpenRepository } from '../support/repositories.ts';
import { artifactOf, dump, manifestOf, newAddress, onlyArtifact, storeSnapshot } from '../support/snapshots.ts';

const content = noise(20_000_000);

describe.each(repositories)('repository: $name', ({ open }) => {
  let opened: OpenRepository;
  let repository: Repository;
  beforeAll(async () => {
    opened = await open();
    repository = opened.repository;
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  const store = (address: SnapshotAddress, bytes = content, changes: Partial<Manifest> = {}) =>
    storeSnapshot(repository, address, bytes, changes);

  /** What another process does that began the same address. */
  async function inWorker(address: SnapshotAddress, name: ArtifactName, bytes: Buffer): Promise<StoredFile> {
    await using writer = await repository.begin(address);
    return await writer.put(name, streamOf(bytes));
  }

  async function everything(stack: string): Promise<string[]> {
    const objects = await Array.fromAsync(opened.storage.list(stack));
    return objects.map(({ key }) => key).toSorted();
  }

  test('gives back what was put, and knows it', async () => {
    const manifest = await store(newAddress('round'));
    const artifact = onlyArtifact(manifest);
    expect(artifact.plain).toEqual({ bytes: content.length, sha256: sha256(content) });
    expect(await digest(await repository.read(manifest, artifact))).toEqual(artifact.plain);
    expect((await repository.list('round')).manifests).toEqual([manifest]);
    expect(await repository.check([manifest], 'sizes')).toEqual([]);
    expect(await repository.check([manifest], 'bytes')).toEqual([]);
  });

  test.for([1, 65_536, 8_388_608])('gives back %i bytes', async (bytes) => {
    const content = noise(bytes, bytes);
    const manifest = await store(newAddress('sizes'), content);
    expect((await buffer(await repository.read(manifest, onlyArtifact(manifest)))).equals(content)).toBe(true);
  });

  test('no reader sees a snapshot before its commit', async () => {
    const address = newAddress('unseen');
    await using writer = await repository.begin(address);
    const stored = await writer.put(dump, streamOf(noise(1000)));
    expect(await repository.list('unseen')).toEqual({ manifests: [], damaged: [] });
    expect(await repository.stacks()).not.toContain('unseen');
    await writer.commit(manifestOf(address, [artifactOf(dump, stored)]));
    expect((await repository.list('unseen')).manifests).toHaveLength(1);
    expect(await repository.stacks()).toContain('unseen');
  });

  test('an artifact that fails leaves nothing and does not stop the others', async () => {
    const address = newAddress('partial');
    await using writer = await repository.begin(address);
    const boom = new Error('the dump broke');
    const [bad, good] = await Promise.allSettled([
      writer.put({ ...dump, name: 'bad' }, failing(10_000_000, boom)),
      writer.put(dump, streamOf(content)),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: boom });
    if (good.status === 'rejected') throw good.reason;
    const manifest = manifestOf(address, [artifactOf(dump, good.value)], { status: 'incomplete' });
    await writer.commit(manifest);
    expect(await repository.check([manifest], 'bytes')).toEqual([]);
    expect((await everything('partial')).filter((key) => key.includes('bad'))).toEqual([]);
  });

  test('refuses an empty source', async () => {
    await using writer = await repository.begin(newAddress('empty'));
    await expect(writer.put(dump, Readable.from([]))).rejects.toThrow('no data at all');
    expect(await everything('empty')).toEqual([]);
  });

  test('refuses two artifacts of one name, but lets a failed one be tried again', async () => {
    await using writer = await repository.begin(newAddress('twice'));
    await expect(writer.put(dump, failing(10, new Error('the dump broke')))).rejects.toThrow('the dump broke');
    const first = await writer.put(dump, streamOf(noise(10)));
    await expect(writer.put(dump, streamOf(noise(20)))).rejects.toThrow('two artifacts have this name');
    await writer.discard(first);
    await writer.put(dump, streamOf(noise(30)));
    await writer.abort();
  });

  test('an abort of one put leaves nothing', async () => {
    const controller = new AbortController();
    const { data, delivered } = stuck(1_000_000);
    await using writer = await repository.begin(newAddress('stopped'));
    const reason = reasonOf(writer.put(dump, data, controller.signal));
    await delivered;
    controller.abort(new Error('enough'));
    expect((await reason).message).toBe('enough');
    expect(await everything('stopped')).toEqual([]);
  });

  test('discard takes one artifact away', async () => {
    const address = newAddress('discarded');
    await using writer = await repository.begin(address);
    const bad = await writer.put({ ...dump, name: 'bad' }, streamOf(noise(1000)));
    const good = await writer.put(dump, streamOf(noise(1000)));
    await writer.discard(bad);
    const manifest = manifestOf(address, [artifactOf(dump, good)]);
    await writer.commit(manifest);
    expect((await everything('discarded')).filter((key) => key.includes('bad'))).toEqual([]);
  });

  test('abort takes everything away, also what is still being written', async () => {
    const address = newAddress('aborted');
    await using writer = await repository.begin(address);
    await writer.put(dump, streamOf(noise(1000)));
    // The way a worker does it, from a writer of its own.
    await inWorker(address, { ...dump, name: 'by-a-worker' }, noise(1000));
    const { data, delivered } = stuck(20_000_000);
    const reason = reasonOf(writer.put({ ...dump, name: 'running' }, data));
    await delivered;
    await writer.abort();
    expect((await reason).name).toBe('AbortError');
    expect(await everything('aborted')).toEqual([]);
    await expect(writer.put({ ...dump, name: 'late' }, streamOf(noise(10)))).rejects.toThrow();
    expect(await repository.sweep('aborted', () => true)).toBe(0);
  });

  test('several writers of one address make one snapshot', async () => {
    const address = newAddress('workers');
    const names = ['one', 'two', 'three'].map((name) => ({ ...dump, name }));
    const artifacts = await Promise.all(
      names.map(async (name, seed) => artifactOf(name, await inWorker(address, name, noise(100_000, seed)))),
    );
    // What a worker reports crosses a process boundary as JSON.
    const manifest = manifestOf(address, JSON.parse(JSON.stringify(artifacts)) as Artifact[]);
    await using writer = await repository.begin(address);
    await writer.commit(manifest);
    expect(await repository.check([manifest], 'bytes')).toEqual([]);
  });

  test('lists newest first, by set, and not its neighbours', async () => {
    const bytes = noise(100);
    const older = await store(newAddress('listed'), bytes);
    const newer = await store(newAddress('listed'), bytes, { startedAt: '2020-01-01T00:00:00.000Z' });
    const other = await store(newAddress('listed', 'logs'), bytes);
    await store(newAddress('listed2'), bytes);
    await store(newAddress('list'), bytes);
    expect((await repository.list('listed')).manifests.map(({ id }) => id)).toEqual([other.id, newer.id, older.id]);
    expect((await repository.list('listed', 'default')).manifests.map(({ id }) => id)).toEqual([newer.id, older.id]);
    expect((await repository.list('listed', 'def')).manifests).toEqual([]);
    expect((await repository.list('nobody')).manifests).toEqual([]);
    expect(await repository.stacks()).toEqual(expect.arrayContaining(['list', 'listed', 'listed2']));
  });

  test('removes exactly one snapshot', async () => {
    const gone = await store(newAddress('removed'), noise(100));
    const kept = await store(newAddress('removed'), noise(100));
    await repository.remove([gone]);
    expect((await repository.list('removed')).manifests).toEqual([kept]);
    expect(await repository.check([kept], 'bytes')).toEqual([]);
    expect(await opened.traces(gone)).toEqual([]);
    await repository.remove([gone]);
  });

  test('sweeps what was never committed, where it is dead, and only that', async () => {
    const kept = await store(newAddress('swept'), noise(100));
    const [dead, alive] = [newAddress('swept'), newAddress('swept')];
    // Killed: nobody disposes of these writers.
    await (await repository.begin(dead)).put(dump, streamOf(noise(100)));
    await (await repository.begin(dead)).put({ ...dump, name: 'second' }, streamOf(noise(100)));
    await (await repository.begin(alive)).put(dump, streamOf(noise(100)));
    const asked = new Map<string, Date>();
    expect(await repository.sweep('swept', (id, startedAt) => (asked.set(id, startedAt), id === dead.id))).toBe(2);
    expect([...asked.keys()].toSorted()).toEqual([dead.id, alive.id].toSorted());
    for (const startedAt of asked.values()) expect(Math.abs(Date.now() - startedAt.getTime())).toBeLessThan(60_000);
    expect(await opened.traces(dead)).toEqual([]);
    expect(await opened.traces(alive)).toHaveLength(1);
    expect(await repository.check([kept], 'bytes')).toEqual([]);
  });
});
