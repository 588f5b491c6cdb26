import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app, maria, sqlIn } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let good: Manifest;

beforeAll(async () => {
  stack = await createStack({ services: { app: app('files'), maria: maria('maria') }, volumes: ['files', 'maria'] });
  await stack.up();
  await stack.sh('maria', sqlIn.maria('CREATE TABLE t AS SELECT 1 AS id'));
  good = await stack.backup();
  await stack.sh('app', 'echo new > /data/new');
});
afterAll(() => stack[Symbol.asyncDispose]());

test('a folder that is read-only or full is said in one sentence', async () => {
  const into = (folder: string) => stack.davit('restore', good.id, '--only', 'maria/shop', '--to', folder);
  expect(await into('/sys')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^davit: --to: cannot be written: .*read-only.* — name/),
  });
  await stack.sh('davit', 'cat /dev/zero > /dev/shm/fill || true');
  const full = await into('/dev/shm/out');
  await stack.sh('davit', 'rm -r /dev/shm/*');
  expect(full).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^davit: --to: the disk is full: .* — free space/) });
});
