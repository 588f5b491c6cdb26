import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app, maria, postgres, sqlIn, unreachable } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';

const services = { app: app('files'), other: app('more'), maria: maria('maria'), postgres: postgres('postgres') };
const volumes = ['files', 'more', 'maria', 'postgres'];

/** Labels as they may be when an old snapshot is restored. */
const changed = {
  app: { labels: { 'davit.set': 'apps' } },
  other: { labels: { 'davit.enable': 'false' } },
  maria: { labels: { 'davit.dump': 'none', 'davit.files': 'none' } },
};

async function seed(stack: TestStack, word: string): Promise<void> {
  await stack.sh('app', `mkdir -p /data/sub && echo ${word} > /data/a && echo ${word} > /data/sub/b`);
  await stack.sh('other', `echo ${word} > /data/o`);
  await stack.sh('maria', sqlIn.maria(`DROP TABLE IF EXISTS t; CREATE TABLE t (w TEXT); INSERT INTO t VALUES ('${word}')`));
  await stack.sh('postgres', sqlIn.postgres(`DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT '${word}'::text AS w`));
}

/** What every service holds now: files a and sub/b, the other app's file, a row in each database. */
async function contents(stack: TestStack): Promise<string> {
  const words = [
    await stack.sh('app', 'cat /data/a'),
    await stack.sh('app', 'cat /data/sub/b'),
    await stack.sh('other', 'cat /data/o'),
    await stack.sh('maria', sqlIn.maria('SELECT w FROM t')),
    await stack.sh('postgres', sqlIn.postgres('SELECT w FROM t')),
  ];
  return words.join(' ');
}

/** When each service was last started; all of them run. */
async function starts(stack: TestStack): Promise<Record<string, string>> {
  const found = Object.keys(services).map(async (name) => {
    const { stdout } = await execa('docker', [
      'inspect',
      '--format',
      '{{.State.Running}} {{.State.StartedAt}}',
      await stack.container(name),
    ]);
    return [name, stdout] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

describe('a restore into the stack it came from', () => {
  let stack: TestStack;
  let old: Manifest;

  beforeAll(async () => {
    stack = await createStack({ services, volumes, files: { 'changed.json': JSON.stringify({ services: changed }) } });
    await stack.up();
    await seed(stack, 'old');
    old = await stack.backup();
  });
  afterAll(() => stack[Symbol.asyncDispose]());
  beforeEach(() => seed(stack, 'new'));

  test.each([
    ['everything', [], 'old old old old old'],
    ['one service', ['--service', 'maria'], 'new new new old new'],
    ['one artifact', ['--only', 'postgres/postgres'], 'new new new new old'],
    ['a tree by its container path', ['--only', 'app/data'], 'old old new new new'],
    ['one file', ['--service', 'app', '--path', '/data/a'], 'old new new new new'],
    ['one folder', ['--service', 'app', '--path', '/data/sub'], 'new old new new new'],
  ])('%s, and nothing else', async (_, options, expected) => {
    const before = await starts(stack);
    await stack.restore(old.id, '--no-safety', ...options);
    expect(await contents(stack)).toBe(expected);
    const after = await starts(stack);
    expect(Object.values(after).filter((state) => !state.startsWith('true'))).toEqual([]);
    const restarted = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(restarted).toEqual(
      ['app', 'other'].filter((_, index) =>
        expected
          .split(' ')
          .slice(index * 2, index + 2)
          .includes('old'),
      ),
    );
    expect(await stack.leftovers()).toEqual([]);
  });

  test('saves first what is there, which is not the latest and can be restored by id', async () => {
    const { safety } = await stack.json<{ safety: string }>(['restore', old.id.slice(0, 20), '--yes']);
    expect(await contents(stack)).toBe('old old old old old');
    expect((await stack.json<Manifest>(['show', 'latest'])).id).toBe(old.id);
    await stack.restore(safety, '--no-safety');
    expect(await contents(stack)).toBe('new new new new new');
  });

  test('of one file says that it is only that', async () => {
    const options = ['restore', old.id, '--service', 'app', '--path', '/data/a', '--yes', '--no-safety'];
    expect(await stack.json(options)).toMatchObject({ restored: [expect.stringContaining('app/')], path: '/data/a' });
    expect((await stack.davit(...options)).stdout).toContain(', only /data/a: app/');
  });

  test.each([
    ['Ctrl+C', '\u0003', 1],
    ['Ctrl+D', '\u0004', 1],
    ['no', 'n\r', 1],
    ['yes', 'y\r', 0],
  ])('asks at a terminal, and %s is an answer', async (_, keys, exitCode) => {
    const line = `docker exec -it ${await stack.container('davit')} davit restore ${old.id} --only app/data --no-safety`;
    const terminal = execa('script', ['-qefc', line, '/dev/null'], { stdin: 'pipe', reject: false, timeout: 60_000 });
    let said = '';
    terminal.stdout.on('data', (text: Buffer) => {
      if (!said.includes('[y/N]') && (said += text.toString()).includes('[y/N]')) terminal.stdin.write(keys);
    });
    const ended = await terminal;
    expect([ended.exitCode, ended.stdout]).toEqual([
      exitCode,
      expect.stringContaining(exitCode === 0 ? 'restored from' : 'was not confirmed; nothing was changed'),
    ]);
    expect(await contents(stack)).toBe(exitCode === 0 ? 'old old new new new' : 'new new new new new');
  });

  test('goes nowhere without a confirmation, an existing snapshot or an existing part', async () => {
    const unconfirmed = await stack.davit('restore', 'latest');
    expect(unconfirmed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('nobody is there to confirm it — say --yes') });
    for (const wrong of [
      ['20000101T000000Z-000000'],
      ['latest', '--service', 'nobody'],
      ['latest', '--at', '2000-01-01T00:00:00Z'],
      ['latest', '--only', 'app/nothing'],
    ]) {
      expect((await stack.davit('restore', ...wrong, '--yes')).exitCode).not.toBe(0);
    }
    expect(await contents(stack)).toBe('new new new new new');
  });

  test('of a path that the snapshot does not have changes nothing, not even what lies there', async () => {
    await stack.sh('app', 'echo later > /data/later');
    const refused = await stack.davit('restore', old.id, '--service', 'app', '--path', '/data/later', '--no-safety', '--yes');
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('path "later": is not in this artifact') });
    expect(refused.stderr).not.toContain('half-way');
    expect(await stack.sh('app', 'cat /data/later; rm /data/later')).toBe('later');
  });

  test('to a moment: the newest complete snapshot that began before it', async () => {
    await seed(stack, 'later');
    const later = await stack.backup();
    await stack.restore('latest', '--at', old.endedAt, '--no-safety');
    expect(await contents(stack)).toBe('old old old old old');
    const { snapshot } = await stack.json<{ snapshot: string }>(['restore', 'latest', '--yes', '--no-safety']);
    expect(snapshot).toBe(later.id);
    expect(await contents(stack)).toBe('later later later later later');
  });

  test('saves first what is replaced, whatever the labels say by now', async () => {
    await stack.compose('-f', join(dirname(stack.file), 'changed.json'), 'up', '-d', '--wait');
    const { safety } = await stack.json<{ safety: string }>(['restore', old.id, '--yes']);
    expect(await contents(stack)).toBe('old old old old old');
    await stack.restore(safety, '--no-safety');
    expect(await contents(stack)).toBe('new new new new new');
    await stack.up();
  });

  test('into a folder leaves the stack alone', async () => {
    await stack.restore(old.id, '--to', '/tmp/out');
    expect(
      await stack.sh(
        'davit',
        'cat /tmp/out/app/files/data/a /tmp/out/app/files/data/sub/b; grep -c INSERT /tmp/out/maria/shop.sql; head -c 5 /tmp/out/postgres/postgres.pgdump',
      ),
    ).toBe('old\nold\n1\nPGDMP');
    expect(await contents(stack)).toBe('new new new new new');
    expect((await stack.davit('cat', old.id, 'maria/shop')).stdout).toContain("('old')");
  });
});

test('a restore into an empty stack of another name, created but never started, of servers on another port and without network', async () => {
  const services = { app: app('files'), other: app('more'), maria: unreachable.maria('maria'), postgres: unreachable.postgres('postgres') };
  await using source = await createStack({ services, volumes });
  await source.up();
  await seed(source, 'moved');
  await source.backup();
  await source.compose('stop');

  const borrowed = { name: `${source.project}_backups`, external: true };
  await using target = await createStack({
    services,
    volumes,
    davit: { volumes: ['borrowed:/borrowed'] },
    environment: { DAVIT_STORAGE: 'file:///borrowed' },
    top: { volumes: { files: {}, more: {}, maria: {}, postgres: {}, backups: {}, borrowed } },
  });
  await target.compose('create');
  await target.up('davit');
  await target.restore('latest', '--from-stack', source.project);
  expect(await contents(target)).toBe('moved moved moved moved moved');
  expect((await target.backup()).status).toBe('complete');
});
