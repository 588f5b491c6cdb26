import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { CommandLabel } from '../../../src/config/labels.ts';
import type { Command } from '../../../src/docker/docker.ts';
import { captureScript, putInto, restoreScript } from '../../../src/steps/command-scripts.ts';

/** The scripts run here, in every shell that this machine has, as they run in a container. */

const root = mkdtempSync(join(tmpdir(), 'davit-commands-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A BusyBox anywhere can be named; it brings its own `sh`, `stat` and `date`. */
const busybox = process.env['BUSYBOX'] ?? 'busybox';
const shells = [['sh'], ['bash', '--posix'], [busybox, 'sh']].filter(
  ([program = '', ...rest]) => spawnSync(program, [...rest, '-c', ':']).status === 0,
);

function label(overrides: Partial<CommandLabel>): CommandLabel {
  return { name: 'dump', command: 'true', timeout: 1000, ...overrides };
}

/** `meanwhile`: when the first bytes have come, and before anybody takes them. */
async function run(shell: readonly string[], command: Command | undefined, input = '', meanwhile?: () => void) {
  const [program = '', ...rest] = shell;
  const [, ...args] = command?.argv ?? [];
  const child = spawn(program, [...rest, ...args]);
  child.stdin.on('error', () => undefined).end(input);
  if (meanwhile !== undefined) await once(child.stdout, 'readable').then(meanwhile);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
  return { status, stdout, stderr };
}

test('there is a shell to test with', () => {
  expect(shells).toContainEqual(['sh']);
});

let folders = 0;

// Every collected file costs a second of waiting for the clock.
vi.setConfig({ maxConcurrency: 40 });
describe.concurrent.each(shells.map((shell) => [shell.join(' '), shell] as const))('in %s', (_, shell) => {
  /** A folder with a space, a quote and a dollar in its name. */
  const folder = (): string => {
    const path = join(root, `${(folders += 1)} it's $HOME`);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const collect = (path: string, command: string, glob = 'backup_???.tar.gz', meanwhile?: () => void) =>
    run(
      shell,
      captureScript(label({ command: `cd ${JSON.stringify(path).replaceAll('$', '\\$')} && { ${command}; }`, collect: join(path, glob) })),
      '',
      meanwhile,
    );
  const stale = (path: string, name: string): void => {
    writeFileSync(join(path, name), 'last week');
    utimesSync(join(path, name), 1_700_000_000, 1_700_000_000);
  };

  test('stdout is the artifact, byte for byte', async () => {
    expect(await run(shell, captureScript(label({ command: `printf 'a\\r\\n\\tb'; echo noise >&2` })))).toEqual({
      status: 0,
      stdout: 'a\r\n\tb',
      stderr: 'noise\n',
    });
  });

  test('the exit code is that of the command', async () => {
    expect(await run(shell, captureScript(label({ command: 'echo half; exit 7' })))).toMatchObject({ status: 7 });
  });

  test('the new file is the artifact; what the command says is not', async () => {
    const path = folder();
    stale(path, 'backup_Fri.tar.gz');
    expect(await collect(path, 'echo noise; printf new > backup_Sat.tar.gz')).toEqual({ status: 0, stdout: 'new', stderr: 'noise\n' });
  });

  test('a file of last week that is written anew is new', async () => {
    const path = folder();
    stale(path, 'backup_Sat.tar.gz');
    expect(await collect(path, 'printf new > backup_Sat.tar.gz')).toMatchObject({ status: 0, stdout: 'new' });
  });

  test('a file that was there before is refused, also when it is only a moment old', async () => {
    const path = folder();
    stale(path, 'backup_Sat.tar.gz');
    expect(await collect(path, 'echo done')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/no new file that matches .*: .*backup_Sat\.tar\.gz is older/),
    });
    writeFileSync(join(path, 'backup_Sun.tar.gz'), 'just now');
    expect(await collect(path, 'echo done')).toMatchObject({ status: 1, stdout: '' });
  });

  test('no match at all, an empty file and a folder are refused', async () => {
    const path = folder();
    expect(await collect(path, ':')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/no new file that matches .*backup_\?\?\?\.tar\.gz\n/),
    });
    expect(await collect(path, ': > backup_Sat.tar.gz')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('empty file'),
    });
    expect(await collect(folder(), 'mkdir backup_Sat.tar.gz')).toMatchObject({ status: 1, stdout: '' });
  });

  test('two new files are refused, for one of them would be lost; two names of one file are not two', async () => {
    const path = folder();
    expect(await collect(path, 'echo 1 > backup_001.tar.gz; echo 2 > backup_002.tar.gz')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/more than one file .*backup_001\.tar\.gz and .*backup_002\.tar\.gz/),
    });
    expect(
      await collect(
        folder(),
        'printf 1 > backup_001.tar.gz; ln -s backup_001.tar.gz backup_now.tar.gz; ln backup_001.tar.gz backup_too.tar.gz',
      ),
    ).toMatchObject({
      status: 0,
      stdout: '1',
    });
  });

  test('a file that is still being written is refused', async () => {
    const path = folder();
    const more = (): void => appendFileSync(join(path, 'backup_Sat.tar.gz'), 'more');
    const { status, stderr } = await collect(path, 'head -c 3000000 /dev/zero > backup_Sat.tar.gz', undefined, more);
    expect(stderr).toContain('still being written');
    expect(status).toBe(1);
  });

  test('a command that fails counts, whatever it has written', async () => {
    expect(await collect(folder(), 'echo new > backup_Sat.tar.gz; echo why >&2; exit 3')).toEqual({
      status: 3,
      stdout: '',
      stderr: 'why\n',
    });
  });

  test('a glob is a glob and nothing else', async () => {
    const path = folder();
    expect(await collect(path, 'printf new > "a b.sql"', '*; touch oops *.sql')).toMatchObject({ status: 1 });
    expect(await collect(path, 'printf new > "a b.sql"', '$(touch oops)*.sql')).toMatchObject({ status: 1 });
    expect(await collect(path, 'printf new > "a b.sql"', 'a *.sql')).toMatchObject({ status: 0, stdout: 'new' });
    expect(readdirSync(path)).toEqual(['a b.sql']);
  });

  test('put makes the folder, replaces a file, and leaves nothing else', async () => {
    const path = join(folder(), 'new folder');
    const put = putInto(label({ 'restore.put': join(path, 'restore.tar.gz') }));
    expect(await run(shell, put, 'first')).toMatchObject({ status: 0 });
    expect(await run(shell, put, 'second')).toMatchObject({ status: 0 });
    expect(readFileSync(join(path, 'restore.tar.gz'), 'utf8')).toBe('second');
    expect(readdirSync(path)).toEqual(['restore.tar.gz']);
  });

  test('put refuses a folder in the place of the file', async () => {
    const path = folder();
    expect(await run(shell, putInto(label({ 'restore.put': path })), 'x')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is a folder'),
    });
    expect(existsSync(join(path, '.part'))).toBe(false);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test('a restore command gets the artifact, and what it says goes to stderr', async () => {
    const target = join(folder(), 'out');
    const restore = restoreScript(label({ restore: `cat > "${target.replaceAll('$', '\\$')}"; echo said` }));
    expect(await run(shell, restore, 'bytes')).toEqual({ status: 0, stdout: '', stderr: 'said\n' });
    expect(readFileSync(target, 'utf8')).toBe('bytes');
  });

  test('a failing part of a pipeline counts where the shell can do that', async () => {
    const { status: unable } = await run(shell, { argv: ['sh', '-c', 'set -o pipefail'] });
    const { status } = await run(shell, captureScript(label({ command: 'false | cat' })));
    expect(status === 0).toBe(unable !== 0);
  });
});

test('every command that a label asks for has its name and its user', () => {
  const full = label({ user: 'git', restore: 'x', 'restore.put': '/x', collect: '/x' });
  expect([putInto(label({})), restoreScript(label({}))]).toEqual([undefined, undefined]);
  expect([captureScript(full), putInto(full), restoreScript(full)].map((command) => [command?.title, command?.user])).toEqual([
    ['davit.command.dump', 'git'],
    ['davit.command.dump.restore.put', 'git'],
    ['davit.command.dump.restore', 'git'],
  ]);
});
