import { describe, expect } from 'vitest';
import type { Manifest } from '../../../src/model/snapshot.ts';
import { atAnotherTime, mariaTables, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import { problemsOf } from './look.ts';
import { parts } from './parts.ts';

/** Snapshots lie in a small volume. What fits once does not fit when the files of the app have grown. */
const test = labTest(() => ({
  services: { app: parts.app, maria: parts.maria },
  environment: { DAVIT_KEEP: 'last=3' },
  top: { volumes: { files: {}, maria: {}, backups: { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=24m' } } } },
  async seed(stack) {
    await sql(stack, mariaTables);
    await stack.sh('app', 'head -c 2000000 /dev/urandom > /data/random; echo state > /data/state');
  },
}));

const folderOf = ({ stack, set, id }: Manifest): string => `/backups/${stack}/${set}/${id}`;

test('the disk fills up during the archive', async ({ lab }) => {
  await lab.stack.sh('app', 'head -c 40000000 /dev/urandom > /data/grown');
  await lab.fails(await lab.backup(), {
    exitCode: 3,
    says: ['app/files/data', 'the disk is full', 'free space there', 'DAVIT_KEEP'],
    repair: () => lab.stack.sh('app', 'rm /data/grown'),
  });
});

test('the disk is full before the run', async ({ lab }) => {
  await lab.stack.sh('davit', 'cat /dev/zero > /backups/ballast 2>/dev/null || true');
  await lab.fails(await lab.backup(), {
    exitCode: 1,
    says: ['nothing could be captured', 'the disk is full', 'free space there'],
    repair: () => lab.stack.sh('davit', 'rm /backups/ballast'),
  });
});

describe('what was stored is damaged', () => {
  const harms = [
    ['a flipped byte', 'maria/shop.sql.zst', (file: string) => `printf X | dd of=${file} bs=1 seek=100 conv=notrunc status=none`],
    ['a truncated file', 'app/files/data.tar.zst', (file: string) => `truncate -s -1 ${file}`],
    ['a missing file', 'maria/@accounts.sql.zst', (file: string) => `rm ${file}`],
  ] as const;
  test.for(harms)('%s is found by verify, and a restore refuses before it touches anything', async ([, file, harm], { lab }) => {
    const harmed = await lab.stack.backup();
    await lab.stack.sh('davit', harm(`'${folderOf(harmed)}/${file}'`));
    await lab.stack.sh('app', 'echo newer > /data/state');

    expect(await lab.stack.davit('verify', harmed.id)).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(file) });
    const restored = await lab.stack.davit('restore', harmed.id, '--yes', '--no-safety');
    expect(restored.exitCode).toBe(1);
    expect(restored.stderr).toMatch(/artifacts cannot be used.*restore from another one/s);
    expect(await lab.stack.sh('app', 'cat /data/state')).toBe('newer');
    expect(await sql(lab.stack, 'SELECT COUNT(*) FROM z')).toBe('100');
    expect((await lab.stack.davit('verify', lab.good().id)).exitCode).toBe(0);

    await lab.stack.sh('davit', `rm -r ${folderOf(harmed)}`);
    await lab.succeeds();
  });

  test('a manifest that is none is told, and the others are listed', async ({ lab }) => {
    const harmed = await lab.stack.backup();
    await lab.stack.sh('davit', `echo nonsense > ${folderOf(harmed)}/manifest.json`);
    const listed = await lab.stack.davit('list');
    expect(listed.exitCode).toBe(1);
    expect(listed.stdout).toContain(lab.good().id);
    expect(listed.stdout).toContain(harmed.id);

    await lab.stack.sh('davit', `rm -r ${folderOf(harmed)}`);
    await lab.succeeds();
  });
});

test('a clock that was a year ahead for one run does not decide which snapshot is the latest', async ({ lab }) => {
  const ahead = await lab.succeeds(await atAnotherTime(lab.stack, 366 * 24 * 3_600_000));
  const next = await lab.backup();
  expect(next.stdout).toContain('the clock of this machine is wrong');
  const manifest = await lab.succeeds(next);
  expect(problemsOf(next)).toEqual([]);
  expect(manifest.id < ahead.id).toBe(true);
});
