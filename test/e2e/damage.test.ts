import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app, maria, sqlIn } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let good: Manifest;

beforeAll(async () => {
  stack = await createStack({
    services: { app: app('files'), maria: maria('maria') },
    volumes: ['files', 'maria'],
    environment: { DAVIT_KEEP: 'last=20' },
  });
  await stack.up();
  await stack.sh('app', 'echo old > /data/a');
  good = await stack.backup();
  await stack.sh('app', 'echo new > /data/a');
});
afterAll(() => stack[Symbol.asyncDispose]());

const folder = (manifest: Manifest): string => `/backups/${manifest.stack}/${manifest.set}/${manifest.id}`;

test.each([
  ['a flipped byte', 'maria/shop.sql.zst', (file: string) => `printf X | dd of=${file} bs=1 seek=100 conv=notrunc status=none`],
  ['a truncated file', 'app/files/data.tar.zst', (file: string) => `truncate -s -1 ${file}`],
  ['a missing file', 'maria/@accounts.sql.zst', (file: string) => `rm ${file}`],
])('%s is found by verify, and a restore refuses before it touches anything', async (_, file, harm) => {
  const { id } = await stack.backup();
  const harmed = { ...good, id };
  await stack.sh('davit', harm(`'${folder(harmed)}/${file}'`));

  const verified = await stack.davit('verify', id);
  expect(verified.exitCode).toBe(1);
  expect(verified.stdout).toContain(file);
  const restored = await stack.davit('restore', id, '--yes', '--no-safety');
  expect(restored.exitCode).toBe(1);
  expect(restored.stderr).toMatch(/artifacts cannot be used.*restore from another one/s);
  expect(await stack.sh('app', 'cat /data/a')).toBe('new');
  expect(await stack.sh('maria', sqlIn.maria('SELECT 1'))).toBe('1');
  expect((await stack.davit('verify', good.id)).exitCode).toBe(0);
});

test('a manifest that is none is told, and the others are listed', async () => {
  const { id } = await stack.backup();
  await stack.sh('davit', `echo nonsense > ${folder({ ...good, id })}/manifest.json`);
  const listed = await stack.davit('list');
  expect(listed.exitCode).toBe(1);
  expect(listed.stdout).toContain(good.id);
  expect(listed.stdout).toContain(id);
});

test('a clock that was wrong does not decide which snapshot is the latest', async () => {
  const future = await stack.backup();
  await stack.sh('davit', `sed -i 's/"startedAt": "20../"startedAt": "2099/' ${folder(future)}/manifest.json`);
  const next = await stack.backup();
  expect(next.warnings.join()).toContain('the clock of this machine is wrong');
  expect((await stack.json<Manifest>(['show', 'latest'])).id).toBe(next.id);
});
