import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Context } from '../../../src/context.ts';
import type { Mount } from '../../../src/docker/docker.ts';
import { restoreFiles } from '../../../src/steps/files.ts';
import { isAlmighty } from '../../../src/steps/privileges.ts';
import { bind, filesArtifact, manifest, service, stack, volume } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

let project = '';
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'davit-unit-'));
  await mkdir(join(project, 'backups'));
  await writeFile(join(project, 'backups/snapshot'), '');
  await writeFile(join(project, 'later'), '');
});
afterEach(() => rm(project, { recursive: true, force: true }));

/** Restores an empty tree over the project; `workers` counts the jobs that are not done here. */
async function restore(...others: readonly Mount[]): Promise<{ left: string[]; workers: number }> {
  let workers = 0;
  const context: Context = {
    ...fakeContext({ containers: [] }),
    repository: { extract: async () => undefined, isFile: async () => false } as Partial<Context['repository']> as Context['repository'],
    workerEnvironment: async () => (workers++, {}),
    authorities: [],
  };
  const davit = service('davit', { own: true, mounts: [bind(project, project), ...others] });
  const app = service('app', { labels: {}, mounts: [bind(project, '/project')] });
  const artifact = filesArtifact('app', '/project');
  await restoreFiles(context, stack(app, davit), manifest({ artifacts: [artifact] }), [artifact]).catch((error: unknown) => {
    if (workers === 0) throw error;
  });
  return { left: (await readdir(project, { recursive: true })).toSorted(), workers };
}

test.runIf(isAlmighty())('a restored folder keeps the snapshots in it, also when the snapshot knew of none', async () => {
  const { left, workers } = await restore(bind(join(project, 'backups'), '/backups'));
  expect({ left, workers }).toEqual({ left: ['backups', 'backups/snapshot'], workers: 0 });
});

test('what is mounted in it for Davit alone is not of it: a worker restores, which does not see that', async () => {
  const { left, workers } = await restore(volume('shop_backups', '/backups'), volume('other', join(project, 'backups')));
  expect({ left, workers }).toEqual({ left: ['backups', 'backups/snapshot', 'later'], workers: 1 });
});
