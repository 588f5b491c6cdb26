import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import { noise } from '../support/bytes.ts';
import { until } from '../support/processes.ts';
import { createRandom } from '../support/random.ts';
import { newestRestic } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { newAddress, storeSnapshot } from '../support/snapshots.ts';

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

test('a repository made by restic is accepted, its snapshots stay, and each goes on where the other left off', async () => {
  newestRestic().run(lab.location, 'init');
  await writeFile(join(lab.tree, 'file'), noise(3_000_000));
  lab.backupOver(lab.tree);
  const gone = await storeSnapshot(lab.repository, newAddress('shop'), noise(9_000_000, 5));
  const { manifest, stored } = await lab.storeTree();
  expect(stored.stored.bytes).toBeLessThan(5_000);
  expect((await lab.repository.list('shop')).manifests).toHaveLength(2);
  await lab.repository.remove([gone]);
  expect((await lab.repository.list('shop')).manifests).toEqual([manifest]);
  expect(lab.backupOver(lab.tree)).toMatchObject({ data_blobs: 0, files_unmodified: 1 });
  const { run } = newestRestic();
  expect(JSON.parse(run(lab.location, 'snapshots', '--json'))).toHaveLength(3);
  expect(run(lab.location, 'check', '--read-data')).toContain('no errors were found');
  run(lab.location, 'forget', '--host', 'shop', '--keep-last', '1', '--prune');
  expect(await lab.repository.check([manifest], 'bytes')).toEqual([]);
});

test('what a file holds may be what a folder is written as: for restic, these are two things', async () => {
  const other = await storeSnapshot(lab.repository, newAddress('shop'), noise(2_000_000));
  const empty = join(lab.tree, 'empty');
  await mkdir(empty);
  await lab.storeTree();
  await writeFile(join(lab.tree, 'a file'), '{"nodes":[]}\n');
  await lab.storeTree();
  const { run } = newestRestic();
  expect(run(lab.location, 'check', '--read-data')).toContain('no errors were found');
  await lab.repository.remove([other]);
  expect(run(lab.location, 'check', '--read-data')).toContain('no errors were found');
  expect(lab.backupOver(lab.tree, '--force')).toMatchObject({ data_blobs: 0 });
});

/** Until the clock of files has moved on, so that what was made before cannot have changed unseen. */
async function settled(file: string): Promise<void> {
  await until(async () => Date.now() - (await stat(file)).ctimeMs > 300);
}

const bytesRead = async (): Promise<number> => Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);

test.for([
  ['a folder', (at: ResticLab) => [at.work, at.tree]],
  ['the folder above it', (at: ResticLab) => [at.tree, at.work]],
  ['the folder where it was called', (at: ResticLab) => [at.tree, '.']],
] as const)('what restic has stored of %s is not read again by the first run of Davit', async ([, where]) => {
  newestRestic().run(lab.location, 'init');
  await writeFile(join(lab.tree, 'large'), noise(20_000_000));
  await writeFile(join(lab.tree, 'small'), 'one');
  await settled(join(lab.tree, 'small'));
  const [folder = '', path = ''] = where(lab);
  newestRestic().runIn(folder, lab.location, 'backup', path);
  await writeFile(join(lab.tree, 'small'), 'another');
  const before = await bytesRead();
  const { stored, manifest } = await lab.storeTree();
  expect((await bytesRead()) - before).toBeLessThan(5_000_000);
  expect(stored.stored.bytes).toBeLessThan(5_000);
  expect(stored.plain.bytes).toBe(20_000_007);
  expect(await lab.repository.check([manifest], 'bytes')).toEqual([]);
  expect(newestRestic().run(lab.location, 'check', '--read-data')).toContain('no errors were found');
});

const firstSeed = Number(process.env['DAVIT_TEST_SEED'] ?? Date.now() % 1_000_000);

test.for([0, 1, 2].map((n) => firstSeed + n))(
  'restic, reading it all again, adds nothing but the folders above (seed %i)',
  async (seed) => {
    const random = createRandom(seed);
    const tree = join(lab.work, 'web/files/data');
    for (let count = 0; count < 60; count++) {
      const folder = join(tree, ...Array.from({ length: random.below(4) }, () => `folder ${random.below(3)}`));
      await mkdir(folder, { recursive: true });
      const odd = Buffer.from(
        Array.from({ length: 1 + random.below(12) }, () => random.pick([...Buffer.from('aZ0 "<&\\\n\x7f'), 195, 164, 255, 226])),
      );
      const kilobytes = random.pick([0, 0.01, 4, 511.999, 512, 512.001, 1500, 9000]);
      const bytes = Math.round(kilobytes * 1024);
      await writeFile(Buffer.concat([Buffer.from(`${folder}/`), odd]), random.below(4) === 0 ? Buffer.alloc(bytes) : noise(bytes, count));
    }
    await lab.storeTree(undefined, tree);
    const told = newestRestic().runIn(lab.work, lab.location, 'backup', 'web/files/data', '--force', '--json');
    expect(JSON.parse(told.trim().split('\n').at(-1) ?? '')).toMatchObject({ data_blobs: 0, tree_blobs: 2 });
  },
);

test('restic takes a snapshot of Davit for the parent of its own', async () => {
  const files = join(lab.work, 'web/files');
  await mkdir(files, { recursive: true });
  await rename(lab.tree, join(files, 'data'));
  const tree = join(files, 'data');
  await writeFile(join(tree, 'large'), noise(5_000_000));
  await writeFile(join(tree, 'small'), 'one');
  await lab.storeTree(undefined, tree);
  const { run, runIn } = newestRestic();
  const [ours] = JSON.parse(run(lab.location, 'snapshots', '--json')) as { id: string }[];
  const told = runIn(lab.work, lab.location, 'backup', 'web/files/data', '--parent', ours?.id ?? '', '--json');
  expect(JSON.parse(told.trim().split('\n').at(-1) ?? '')).toMatchObject({
    files_unmodified: 2,
    files_new: 0,
    files_changed: 0,
    data_blobs: 0,
  });
});

test('what restic has rewritten is still known', async () => {
  const manifest = await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
  for (const change of [
    ['--add', 'precious'],
    ['--set', 'mine'],
  ]) {
    newestRestic().run(lab.location, 'tag', ...change);
    expect((await lab.repository.list('shop')).manifests).toEqual([manifest]);
  }
  expect(await lab.repository.check([manifest], 'bytes')).toEqual([]);
});

test('several passwords may open one repository', async () => {
  await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
  await writeFile(join(lab.work, 'second'), 'the second');
  newestRestic().run(lab.location, 'key', 'add', '--new-password-file', join(lab.work, 'second'));
  const second = createResticRepository({ storage: lab.storage, password: 'the second' });
  expect((await second.list('shop')).manifests).toHaveLength(1);
});
