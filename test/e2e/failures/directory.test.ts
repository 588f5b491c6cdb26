import { basename } from 'node:path';
import { expect } from 'vitest';
import { atAnotherTime, mariaTables, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import { layout } from './layout.ts';
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
    says: ['the disk is full', 'free space there'],
    repair: () => lab.stack.sh('davit', 'rm /backups/ballast'),
  });
});

const damages = [
  ['a flipped byte', (file: string) => `printf X | dd of=${file} bs=1 seek=20 conv=notrunc status=none`],
  ['a truncated file', (file: string) => `truncate -s 10 ${file}`],
  ['a missing file', (file: string) => `rm ${file}`],
] as const;

test.for(damages)('%s is found by verify, and a restore refuses before it touches anything', async ([what, damage], { lab }) => {
  await lab.stack.sh('app', `echo '${what}' > /data/state`);
  const harmed = await lab.stack.backup();
  const files = harmed.artifacts.find(({ service }) => service === 'app');
  if (files === undefined) throw new Error('the files of the app were not stored');
  const [key = ''] = await layout.keysOf(lab.storage, harmed, files);
  await lab.stack.sh('davit', `cp -p '/backups/${key}' /tmp/whole && ${damage(`'/backups/${key}'`)}`);
  await lab.stack.sh('app', 'echo newer > /data/state');

  expect(await lab.stack.davit('verify', harmed.id)).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(basename(key)) });
  const isSeen = what === 'a flipped byte' ? 0 : 1;
  expect((await lab.stack.davit('verify', harmed.id, '--no-read-data')).exitCode).toBe(isSeen);
  const restored = await lab.stack.davit('restore', harmed.id, '--yes', '--no-safety');
  expect(restored.exitCode).toBe(1);
  expect(restored.stderr).toMatch(/artifacts cannot be used.*restore from another one/s);
  const exported = await lab.stack.davit('restore', harmed.id, '--to', `/tmp/${harmed.id}`);
  expect([exported.exitCode, exported.stderr]).toEqual([1, expect.stringMatching(/^davit: [^\n]* — [^\n]*another snapshot[^\n]*$/m)]);
  expect(await lab.stack.sh('app', 'cat /data/state')).toBe('newer');
  expect(await sql(lab.stack, 'SELECT COUNT(*) FROM z')).toBe('100');
  expect((await lab.stack.davit('verify', lab.good().id)).exitCode).toBe(0);

  await lab.stack.sh('davit', `mv /tmp/whole '/backups/${key}'`);
  await lab.succeeds();
});

test('a manifest that is none is told, and the others are listed', async ({ lab }) => {
  const harmed = await lab.stack.backup();
  const key = `/backups/${await layout.commitOf(lab.storage, harmed)}`;
  await lab.stack.sh('davit', `cp -p ${key} /tmp/whole && echo nonsense > ${key}`);
  const listed = await lab.stack.davit('list');
  expect(listed.exitCode).toBe(1);
  expect(listed.stdout).toContain(lab.good().id);
  expect(listed.stdout).toContain(key.slice('/backups/'.length));
  const inJson = await lab.stack.davit('list', '--json');
  expect(inJson).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(key.slice('/backups/'.length)) });
  expect(JSON.parse(inJson.stdout)).toContainEqual(expect.objectContaining({ id: lab.good().id }));

  await lab.stack.sh('davit', `mv /tmp/whole ${key}`);
  await lab.succeeds();
});

test('a clock that was a year ahead for one run does not decide which snapshot is the latest', async ({ lab }) => {
  const ahead = await lab.succeeds(await atAnotherTime(lab.stack, 366 * 24 * 3_600_000));
  const next = await lab.backup();
  expect(next.stdout).toContain('the clock of this machine is wrong');
  const manifest = await lab.succeeds(next);
  expect(problemsOf(next)).toEqual([]);
  expect(manifest.id < ahead.id).toBe(true);
});
