import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app, maria, planted, sqlIn } from '../support/services.ts';
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

test('a server that takes another password by now: nothing is changed, and the label to mend is named', async () => {
  const become = (now: string, next: string) =>
    stack.sh('maria', `mariadb -uroot -p${now} -e "ALTER USER root@localhost IDENTIFIED BY '${next}'"`);
  await become(planted.maria, 'another-password');
  const refused = await stack.davit('restore', good.id, '--yes', '--no-safety');
  await become('another-password', planted.maria);
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/does not accept a login: .*Access denied.* label davit.dump.password/),
  });
  expect(refused.stderr).not.toContain('half-way');
  expect(await stack.sh('app', 'cat /data/new')).toBe('new');
});
