import { describe } from 'vitest';
import { mariaTables, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import type { Lab, LabOptions } from './lab.ts';
import { parts } from './parts.ts';

/** What fits once does not fit when the files of the app have grown. */
const shared = {
  services: { app: parts.app, maria: parts.maria },
  environment: { DAVIT_KEEP: 'last=1' },
  async seed(stack) {
    await sql(stack, mariaTables);
    await stack.sh('app', 'head -c 2000000 /dev/urandom > /data/random');
  },
} satisfies Partial<LabOptions>;

const grow = ({ stack }: Lab) => stack.sh('app', 'head -c 40000000 /dev/urandom > /data/grown');
const shrink = ({ stack }: Lab) => stack.sh('app', 'rm /data/grown');

describe('a directory in a small volume', () => {
  const test = labTest(() => ({
    ...shared,
    top: { volumes: { files: {}, maria: {}, backups: { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=24m' } } } },
  }));

  test('fills up during the archive', async ({ lab }) => {
    await grow(lab);
    await lab.fails(await lab.backup(), {
      exitCode: 3,
      says: ['app/files/data', 'the disk is full', 'free space there', 'DAVIT_KEEP'],
      repair: () => shrink(lab),
    });
  });

  test('is full before the run', async ({ lab }) => {
    await lab.stack.sh('davit', 'cat /dev/zero > /backups/ballast 2>/dev/null || true');
    await lab.fails(await lab.backup(), {
      exitCode: 1,
      says: ['nothing could be captured', 'the disk is full', 'free space there'],
      repair: () => lab.stack.sh('davit', 'rm /backups/ballast'),
    });
  });
});

describe('a bucket with a quota', () => {
  const test = labTest(() => ({ ...shared, volumes: ['files', 'maria'], s3: 'davit-test/s3', quota: '20M' }));

  test('fills up during the archive', async ({ lab }) => {
    await grow(lab);
    await lab.fails(await lab.backup(), {
      exitCode: 3,
      says: ['app/files/data', 'the quota is used up', 'free space there', 'DAVIT_KEEP'],
      repair: () => shrink(lab),
    });
  });
});
