import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { password } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { newAddress, onlyArtifact, storeSnapshot } from '../support/snapshots.ts';

let lab: ResticLab;
const content = randomBytes(90_000_000);
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** A storage that is far away, and that gives none of the content before so many packs of it are asked for. */
function far(packsAtOnce: number): Storage {
  const enough = Promise.withResolvers<void>();
  let asked = 0;
  return {
    ...lab.storage,
    local: false,
    async get(key, signal) {
      // Trees take less.
      const isContent = (await Array.fromAsync(lab.storage.list('data'))).some((pack) => pack.key === key && pack.bytes > 100_000);
      if (isContent && (asked += 1) === packsAtOnce) enough.resolve();
      if (isContent) await enough.promise;
      return lab.storage.get(key, signal);
    },
  };
}

test('several packs of a large file travel at a time', async () => {
  await writeFile(join(lab.tree, 'large'), content);
  const { manifest } = await lab.storeTree();
  const target = join(lab.work, 'restored');
  await mkdir(target);
  await createResticRepository({ storage: far(4), password }).extract(manifest, onlyArtifact(manifest), target);
  expect((await readFile(join(target, 'large'))).equals(content)).toBe(true);
});

test('and so do those of a dump', async () => {
  const manifest = await storeSnapshot(lab.repository, newAddress('shop'), content);
  const dump = await createResticRepository({ storage: far(4), password }).read(manifest, onlyArtifact(manifest));
  expect((await buffer(dump)).equals(content)).toBe(true);
});

test('the small packs of many runs, in which a tree lies that has changed a little each time, are fetched once', async () => {
  const folders = Array.from({ length: 120 }, (_, number) => join(lab.tree, `${number}`));
  for (const folder of folders) await mkdir(folder);
  const runs = 12;
  const manifests = [];
  for (let run = 0; run < runs; run++) {
    for (const [number, folder] of folders.entries()) if (number % runs === run) await writeFile(join(folder, 'file'), `now ${number}`);
    manifests.push((await lab.storeTree()).manifest);
  }
  let asked = 0;
  const get: Storage['get'] = (key, signal) => ((asked += key.startsWith('data/') ? 1 : 0), lab.storage.get(key, signal));
  const repository = createResticRepository({ storage: { ...lab.storage, get }, password });
  expect(await repository.check(manifests.slice(-1), 'sizes')).toEqual([]);
  expect(asked).toBeLessThanOrEqual(runs + 1);
});
