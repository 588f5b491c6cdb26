import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Repository } from '../../src/repository/repository.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { noise } from '../support/bytes.ts';
import { newestRestic, password } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { newAddress, onlyArtifact, storeSnapshot } from '../support/snapshots.ts';
import { describeTree } from '../support/hostile-tree.ts';

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

const packs = async () => Array.fromAsync(lab.storage.list('data'));
const largest = async (): Promise<string> => (await packs()).toSorted((a, b) => b.bytes - a.bytes)[0]?.key ?? '';
/** As another Davit sees it, and told of the indexes in this order or in the other. */
function another(isReversed = false): Repository {
  async function* list(prefix: string): ReturnType<Storage['list']> {
    const found = (await Array.fromAsync(lab.storage.list(prefix))).toSorted((a, b) => a.modifiedAt.getTime() - b.modifiedAt.getTime());
    yield* isReversed ? found.toReversed() : found;
  }
  return createResticRepository({ storage: { ...lab.storage, list }, password });
}
async function warnings(): Promise<readonly string[]> {
  await using writer = await another().begin(newAddress('shop'));
  return writer.warnings;
}
const restic = (...args: string[]): string => newestRestic().run(lab.location, ...args);

const losses = [
  ['is missing', (key: string) => rm(join(lab.location, key))],
  ['has 1000 bytes instead of', (key: string) => truncate(join(lab.location, key), 1000)],
] as const;

describe.each(losses)('a pack that %s', (problem, lose) => {
  test('is told, and what is still there is stored again: that heals the older snapshots too', async () => {
    await writeFile(join(lab.tree, 'large'), noise(6_000_000));
    const { manifest: old } = await lab.storeTree();
    const { manifest: older } = await lab.storeTree();
    const key = await largest();
    await lose(key);
    expect(await another().check([old], 'sizes')).toMatchObject([{ problem: expect.stringContaining(`${key} ${problem}`) as string }]);
    expect(await warnings()).toEqual([
      expect.stringMatching(new RegExp(`${key} ${problem}.*, which harms older snapshots.* — see which .*davit verify`)),
    ]);

    // By a Davit that has known the pack.
    const { manifest, stored } = await lab.storeTree();
    expect(stored.stored.bytes).toBeGreaterThan(6_000_000);
    expect(await warnings()).toEqual([]);
    expect((await lab.storeTree()).stored.stored.bytes).toBeLessThan(5_000);
    for (const isReversed of [false, true]) {
      const target = join(lab.work, `restored ${isReversed}`);
      await mkdir(target);
      await another(isReversed).extract(old, onlyArtifact(old), target);
      expect(describeTree(target)).toEqual(describeTree(lab.tree));
      expect(await another(isReversed).check([old, older, manifest], 'bytes')).toEqual([]);
    }

    expect(() => restic('check')).toThrow(/pack/);
    restic('restore', 'latest', '--target', join(lab.work, 'by restic'));
    expect(describeTree(join(lab.work, 'by restic/web/files/data'))).toEqual(describeTree(lab.tree));
    await another().remove([older]);
    expect(restic('check', '--read-data')).toContain('no errors were found');
  });

  test('is lost to older snapshots, where its content is not there any more, and to them only', async () => {
    await writeFile(join(lab.tree, 'large'), noise(6_000_000));
    const { manifest: harmed } = await lab.storeTree();
    const key = await largest();
    await lose(key);
    await writeFile(join(lab.tree, 'large'), noise(6_000_000, 2));
    const { manifest: gone } = await lab.storeTree();
    const { manifest: whole } = await lab.storeTree();
    expect(await warnings()).toEqual([expect.stringContaining(key)]);

    await another().remove([gone]);
    for (const depth of ['sizes', 'bytes'] as const)
      expect(await another().check([harmed, whole], depth)).toEqual([
        { snapshot: harmed.id, artifact: 'web/files/data', problem: expect.stringContaining(`${key} ${problem}`) as string },
      ]);
    await another().remove([harmed]);
    expect(await warnings()).toEqual([]);
    expect(restic('check', '--read-data')).toContain('no errors were found');
    expect(await another().check([whole], 'bytes')).toEqual([]);
  });
});

test('every pack is lost: the next snapshot is whole, and nothing is removed before what cannot be read is given up', async () => {
  await writeFile(join(lab.tree, 'large'), noise(6_000_000));
  const { manifest: lost } = await lab.storeTree();
  for (const { key } of await packs()) await lab.storage.remove([key]);
  const { manifest } = await lab.storeTree();
  expect(await another().check([manifest], 'bytes')).toEqual([]);
  const dump = await storeSnapshot(another(), newAddress('shop'), noise(1000));
  await expect(another().remove([dump])).rejects.toThrow(/cannot be read, so nothing is removed.*lost.* — give it up with `restic forget/);
  expect(await another().check([manifest], 'bytes')).toEqual([]);
  await another().remove([lost]);
  expect(restic('check', '--read-data')).toContain('no errors were found');
  expect(await another().check([manifest], 'bytes')).toEqual([]);
});
