import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { newestRestic } from '../support/restic.ts';
import { app, postgres, sqlIn } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

/** Everything that tells one tree from another, links and holes in time included. */
const describeTree = `find . -printf '%P|%y|%m|%U:%G|%s|%T@|%n|%l\\n' | LC_ALL=C sort; find . -type f -exec sha256sum {} + | LC_ALL=C sort`;

const nastyTree = `mkdir -p deep/er && head -c 40000000 /dev/urandom > big && ln big deep/same && ln -s ../big deep/link && mkfifo pipe &&
  printf x > "$(printf 'odd \\377 "name"')" && : > empty && touch -d 1969-07-20T20:17:40.123456789Z empty && chown -R 1234:4321 deep && chmod 2750 deep`;

test('a second snapshot costs what has changed; restic itself checks, restores and reads what Davit wrote', async () => {
  const work = await mkdtemp(join(tmpdir(), 'davit-incremental-'));
  await using stack = await createStack({
    format: 'restic',
    services: { app: app('files'), postgres: postgres('postgres') },
    volumes: ['files', 'postgres'],
    environment: { DAVIT_KEEP: 'last=2' },
  });
  try {
    await stack.up();
    await stack.sh('app', `cd /data && ${nastyTree}`);
    await stack.sh('postgres', sqlIn.postgres('CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 1000) AS i'));
    const first = await stack.backup();
    expect(bytesStored(first)).toBeGreaterThan(40_000_000);
    await stack.sh('app', 'cd /data && printf y >> big && echo new > deep/er/new');
    const second = await stack.backup();
    expect(bytesStored(second)).toBeLessThan(20_000_000);
    const third = await stack.backup();
    expect(bytesStored(third)).toBeLessThan(1_000_000);
    expect((await stack.json<Manifest[]>(['list'])).map(({ id }) => id)).toEqual([third.id, second.id]);
    expect(await stack.json(['verify'])).toEqual({ verified: [third.id, second.id], problems: [] });
    const tree = await stack.sh('app', `cd /data && ${describeTree}`);

    const copy = join(work, 'copy');
    await execa('docker', ['cp', `${await stack.container('davit')}:/backups`, copy]);
    const { run } = newestRestic();
    expect(run(copy, 'check', '--read-data')).toContain('no errors were found');
    run(copy, 'restore', 'latest', '--target', join(work, 'restored'));
    const restored = { cwd: join(work, 'restored/app/files/data'), encoding: 'utf8' } as const;
    expect(execFileSync('sh', ['-c', describeTree], restored).trim()).toBe(tree);
    const dump = await readFile(join(work, 'restored/postgres/postgres.pgdump'));
    const { stdout } = await execa(
      'docker',
      ['compose', '-p', stack.project, '-f', stack.file, 'exec', '-T', 'davit', 'davit', 'cat', third.id, 'postgres/postgres'],
      { encoding: 'buffer' },
    );
    expect(Buffer.compare(dump, stdout)).toBe(0);

    await stack.wipe(['app', 'postgres'], ['files', 'postgres']);
    await stack.up();
    await stack.restore(third.id, '--no-safety');
    expect(await stack.sh('app', `cd /data && ${describeTree}`)).toBe(tree);
    expect(await stack.sh('postgres', sqlIn.postgres('SELECT count(*) FROM t'))).toBe('1000');
    await stack.sh('app', 'rm /data/deep/er/new');
    await stack.restore(third.id, '--no-safety', '--service', 'app', '--path', '/data/deep/er');
    expect(await stack.sh('app', 'cat /data/deep/er/new')).toBe('new');
    expect(await stack.leftovers()).toEqual([]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
});

test('files are read ahead while their app runs; without the password nothing runs, and with a wrong one nothing is written', async () => {
  const services = { app: app('files', { labels: ['davit.quiesce=stop'] }) };
  await using stack = await createStack({ format: 'restic', services, volumes: ['files'] });
  await stack.up();
  await stack.sh('app', 'echo old > /data/a');
  const backup = await stack.davit('backup', '--json');
  const [{ manifest }] = JSON.parse(backup.stdout) as [{ manifest: Manifest }];
  const { id } = manifest;
  expect(backup.stderr).toMatch(/"read ahead"[^]*"stopped"[^]*"archived"/);
  expect(manifest.downtimeMs['app']).toBeGreaterThan(0);
  expect(await stack.sh('app', 'cat /data/a')).toBe('old');
  const wrong = (...variables: string[]) =>
    stack.compose('exec', '-T', ...variables.flatMap((one) => ['-e', one]), 'davit', 'davit', 'backup');
  const none = await wrong('DAVIT_PASSWORD_FILE=/dev/null');
  expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('DAVIT_PASSWORD_FILE names an empty file') });
  const stranger = await wrong('DAVIT_PASSWORD_FILE=/etc/hostname');
  expect(stranger).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('DAVIT_PASSWORD: opens none of the 1 keys') });
  expect((await stack.json<Manifest[]>(['list'])).map((one) => one.id)).toEqual([id]);
});

test('a pack that was lost does not keep the next run from being good: it warns, and stores again what is still there', async () => {
  await using stack = await createStack({ format: 'restic', services: { app: app('files') }, volumes: ['files'] });
  await stack.up();
  await stack.sh('app', 'head -c 3000000 /dev/urandom > /data/a');
  const first = await stack.backup();
  const lost = await stack.sh('davit', 'cd /backups && find data -type f -size +2M -print -delete');
  expect(await stack.davit('verify')).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(`${lost} is missing`) });
  const second = await stack.backup();
  expect(second).toMatchObject({ status: 'complete', warnings: [expect.stringContaining(`${lost} is missing`)] });
  expect(await stack.json(['verify'])).toEqual({ verified: [second.id, first.id], problems: [] });
  expect(await stack.backup()).toMatchObject({ status: 'complete', warnings: [] });
});

function bytesStored({ artifacts }: Manifest): number {
  return artifacts.reduce((sum, { stored }) => sum + stored.bytes, 0);
}
