import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import { crashing } from '../support/crashing.ts';
import { describeTree } from '../support/hostile-tree.ts';
import { createRandom } from '../support/random.ts';
import { password, restics } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { backUp, changeTree, removeSome } from '../support/restic-life.ts';

/** More of them: DAVIT_TEST_KILLS=50 DAVIT_TEST_SEQUENCES=200. */
const kills = Number(process.env['DAVIT_TEST_KILLS'] ?? 3);
const sequences = Number(process.env['DAVIT_TEST_SEQUENCES'] ?? 4);
const firstSeed = Number(process.env['DAVIT_TEST_SEED'] ?? Date.now() % 1_000_000);

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** Every restic there is reads every byte, whatever locks lie there, and finds all in order. */
function judge(): void {
  expect(restics).not.toEqual([]);
  for (const { run } of restics) expect(run(lab.location, 'check', '--read-data', '--no-lock')).toContain('no errors were found');
}

/** Every snapshot is whole; gives their ids. */
async function requireWhole(): Promise<string[]> {
  const repository = createResticRepository({ storage: lab.storage, password });
  const { manifests, damaged } = await repository.list('shop');
  expect(damaged).toEqual([]);
  for (const manifest of manifests) expect(await repository.check([manifest], 'bytes')).toEqual([]);
  return manifests.map(({ id }) => id);
}

test(
  `killed at ${kills} random moments, the repository stays valid, and the next run needs no unlock`,
  { timeout: 60_000 * kills },
  async () => {
    for (let round = 0; round < kills; round++) {
      const random = createRandom(firstSeed + round);
      const life = spawn(
        process.execPath,
        [join(import.meta.dirname, '../support/restic-life.ts'), lab.location, lab.tree, `${firstSeed + round}`],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      await once(life.stdout, 'data');
      await delay(random.below(3000));
      expect(life.exitCode).toBe(null);
      life.kill('SIGKILL');
      await once(life, 'close');
      if ((await readdir(lab.location)).includes('config')) judge();
      const before = await requireWhole();
      const manifest = await backUp(lab.storage, lab.tree, random);
      expect(await requireWhole()).toEqual([manifest.id, ...before]);
      judge();
    }
  },
);

test.for(Array.from({ length: sequences }, (_, n) => firstSeed + n))(
  'any order of changes, backups, removals and crashes leaves every snapshot whole (seed %i)',
  async (seed) => {
    const random = createRandom(seed);
    const { storage, tree } = lab;
    const contents = new Map<string, string[]>();
    /** Of these, nobody knows. */
    const undecided = new Set<string>();
    const run = async (on: typeof storage): Promise<void> => {
      changeTree(tree, random);
      let id = '';
      try {
        await backUp(on, tree, random, (begun) => {
          id = begun;
          undecided.add(id);
          contents.set(id, describeTree(tree));
        });
        undecided.delete(id);
      } catch (error) {
        if (on === storage) throw error;
      }
    };
    const remove = async (on: typeof storage): Promise<void> => {
      const known = new Set(contents.keys());
      try {
        await removeSome(on, random);
      } catch (error) {
        if (on === storage) throw error;
      }
      known.forEach((id) => undecided.add(id));
    };
    const step = random.pick;
    await run(storage);
    for (let count = 0; count < 5; count++) {
      const isCrash = random.below(2) === 0;
      const on = isCrash ? crashing(storage, 1 + random.below(14), random) : storage;
      await step([run, run, remove])(on);
      if (isCrash) judge();
      const found = await requireWhole();
      const certain = [...contents.keys()].filter((id) => !undecided.has(id));
      expect(found).toEqual(expect.arrayContaining(certain));
      expect([...contents.keys()]).toEqual(expect.arrayContaining(found));
      undecided.clear();
      for (const id of contents.keys()) if (!found.includes(id)) contents.delete(id);
    }
    judge();
    const repository = createResticRepository({ storage, password });
    for (const manifest of (await repository.list('shop')).manifests) {
      const [artifact] = manifest.artifacts;
      const target = join(lab.work, 'restored');
      await mkdir(target);
      if (artifact) await repository.extract(manifest, artifact, target);
      expect(describeTree(target)).toEqual(contents.get(manifest.id));
      await rm(target, { recursive: true });
    }
  },
);
