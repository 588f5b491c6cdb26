import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sealBytes } from '../../src/repository/restic/crypto.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import { openExisting } from '../../src/repository/restic/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { noise, streamOf } from '../support/bytes.ts';
import { newestRestic, password } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { newAddress, storeSnapshot } from '../support/snapshots.ts';

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

test('what a prune moves while it is checked is not taken for damage', async () => {
  const [shared, other] = [noise(30_000_000), noise(12_000_000, 3)];
  const gone = await storeSnapshot(lab.repository, newAddress('shop'), Buffer.concat([other, shared]));
  const kept = await storeSnapshot(lab.repository, newAddress('shop'), shared);
  let isPruned = false;
  const list: Storage['list'] = async function* (prefix) {
    if (prefix === 'data' && !isPruned) {
      isPruned = true;
      await lab.repository.remove([gone]);
    }
    yield* lab.storage.list(prefix);
  };
  const checking = createResticRepository({ storage: { ...lab.storage, list }, password });
  expect(await checking.check([kept], 'sizes')).toEqual([]);
  expect(isPruned).toBe(true);
});

test('snapshots that share their bytes are checked by reading those once, and damage is told of each', async () => {
  const shared = noise(20_000_000);
  const manifests = [];
  for (let count = 0; count < 3; count++) manifests.push(await storeSnapshot(lab.repository, newAddress('shop'), shared));
  const reads = new Map<string, number>();
  const get: Storage['get'] = (key, signal) => {
    reads.set(key, (reads.get(key) ?? 0) + 1);
    return lab.storage.get(key, signal);
  };
  const open = () => createResticRepository({ storage: { ...lab.storage, get }, password });
  expect(await open().check(manifests, 'bytes')).toEqual([]);
  const packs = (await Array.fromAsync(lab.storage.list('data'))).toSorted((a, b) => b.bytes - a.bytes).map(({ key }) => key);
  const [large = ''] = packs;
  expect(reads.get(large)).toBe(1);
  await lab.storage.remove([large]);
  const flaws = await open().check(manifests, 'sizes');
  expect(flaws.map(({ snapshot }) => snapshot)).toEqual(manifests.map(({ id }) => id));
  for (const { problem } of flaws) expect(problem).toBe(`${large} is missing`);
});

test.for([
  ['lost', async (storage: Storage, key: string) => storage.remove([key])],
  [
    'damaged',
    async (storage: Storage, key: string) => {
      const bytes = await buffer(await storage.get(key));
      bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
      await storage.put(key, streamOf(bytes));
    },
  ],
] as const)(
  'what was %s is stored again, once restic has mended the repository, and older snapshots are whole again',
  async ([what, harm]) => {
    await writeFile(join(lab.tree, 'large'), noise(5_000_000));
    const first = (await lab.storeTree()).manifest;
    const [pack] = (await Array.fromAsync(lab.storage.list('data'))).toSorted((a, b) => b.bytes - a.bytes);
    await harm(lab.storage, pack?.key ?? '');
    expect(await lab.repository.check([first], 'bytes')).not.toEqual([]);
    const { run, runIn } = newestRestic();
    if (what === 'lost') run(lab.location, 'repair', 'index');
    else runIn(lab.work, lab.location, 'repair', 'packs', pack?.key.split('/').at(-1) ?? '');
    const second = (await lab.storeTree()).manifest;
    expect(await lab.repository.check([second, first], 'bytes')).toEqual([]);
    expect(run(lab.location, 'check', '--read-data')).toContain('no errors were found');
  },
);

test('a header that tells something else than the index is damage, though every blob can be read', async () => {
  const manifest = await storeSnapshot(lab.repository, newAddress('shop'), noise(300_000));
  const opened = await openExisting(lab.storage, password);
  const [pack] = (await Array.fromAsync(lab.storage.list('data'))).toSorted((a, b) => b.bytes - a.bytes);
  if (opened === undefined || pack === undefined) throw new Error('nothing was stored');
  const bytes = await buffer(await lab.storage.get(pack.key));
  const [length, end] = [bytes.readUInt32LE(bytes.length - 4), bytes.length - 4];
  const header = opened.seal.seal(Buffer.alloc(length - sealBytes));
  header.copy(bytes, end - length);
  await lab.storage.put(pack.key, streamOf(bytes));
  expect(await lab.repository.check([manifest], 'sizes')).toEqual([]);
  expect(await lab.repository.check([manifest], 'bytes')).toMatchObject([{ problem: expect.stringContaining('its header') as string }]);
});
