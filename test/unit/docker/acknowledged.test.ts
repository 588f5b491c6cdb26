import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  confirmed,
  createNonce,
  inputLeftUnread,
  parseReports,
  parseTrailer,
  trailerBytes,
  withoutReports,
} from '../../../src/docker/acknowledged.ts';

const nonce = createNonce();

interface Result {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** As Docker starts it: the leader of its own process group. `confirm`: hangs up once the count is reported. */
function runWrapped([file = '', ...args]: readonly string[], { stdin = '', env = {}, confirm = false, holdMs = 0 } = {}): Promise<Result> {
  const child = spawn(file, args, { detached: true, env: { ...process.env, ...env } });
  const stdout: Buffer[] = [];
  let stderr = '';
  let hungUp = false;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    if (!confirm && parseTrailer(nonce, Buffer.concat(stdout).subarray(-trailerBytes)) !== undefined) child.stdin.end();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    const { got } = parseReports(nonce, stderr);
    if (confirm && got && !hungUp) hungUp = hangUp(Number(got.waiter));
  });
  child.stdin.on('error', () => {});
  child.stdin.write(stdin);
  if (confirm) child.stdin.end();
  if (holdMs) setTimeout(() => child.stdin.end(), holdMs);
  return new Promise((resolve) => child.once('close', (exitCode) => resolve({ stdout: Buffer.concat(stdout), stderr, exitCode })));
}

/** The waiter may be gone already, with the command. */
function hangUp(pid: number): true {
  try {
    process.kill(pid, 'SIGHUP');
  } catch {}
  return true;
}

const split = ({ stdout }: Result) => ({
  output: stdout.subarray(0, -trailerBytes).toString(),
  trailer: parseTrailer(nonce, stdout.subarray(-trailerBytes)),
});

describe('a command that is read', () => {
  test('reports its exit code after its output, and exits with it once stdin is closed', async () => {
    const result = await runWrapped(acknowledged(nonce, ['sh', '-c', 'echo out; echo err >&2; exit 7']));
    expect(split(result)).toEqual({ output: 'out\n', trailer: 7 });
    expect(result).toMatchObject({ exitCode: 7, stderr: 'err\n' });
  });

  test('gets its arguments unchanged and an empty stdin', async () => {
    const argv = ['printf', '%s|', 'a b', '$HOME', '"', "'", '', '*', 'ä\n'];
    expect(split(await runWrapped(acknowledged(nonce, argv))).output).toBe('a b|$HOME|"|\'||*|ä\n|');
    expect(split(await runWrapped(acknowledged(nonce, ['cat'])))).toEqual({ output: '', trailer: 0 });
  });

  test.each([
    ['is not there', ['no-such-program'], 127],
    ['kills itself', ['sh', '-c', 'kill -9 $$'], 137],
  ])('that %s', async (_what, argv, trailer) => {
    expect(split(await runWrapped(acknowledged(nonce, argv))).trailer).toBe(trailer);
  });

  test('is ended with its whole pipeline when stdin closes early', async () => {
    const result = await runWrapped(acknowledged(nonce, ['sh', '-c', 'sleep 60 | cat; echo after']), { holdMs: 100 });
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout.toString()).not.toContain('after');
  });
});

describe('a command that is fed through a copier whose dd does not count', () => {
  test('reads everything once the count is confirmed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'davit-dd-'));
    await writeFile(join(directory, 'dd'), '#!/bin/sh\nPATH=${PATH#*:} exec dd status=noxfer "$@"\n', { mode: 0o755 });
    const env = { PATH: `${directory}:${process.env['PATH']}` };
    const result = await runWrapped(confirmed(nonce, ['wc', '-c']), { stdin: 'x'.repeat(200_000), confirm: true, env });
    expect(split(result)).toEqual({ output: '200000\n', trailer: 0 });
    expect(parseReports(nonce, result.stderr)).toMatchObject({ got: { bytes: 200_000 } });
    await rm(directory, { recursive: true });
  });
});

describe('a command that is fed', () => {
  test('reads everything once the count is confirmed', async () => {
    const result = await runWrapped(confirmed(nonce, ['cat']), { stdin: 'hello', confirm: true });
    expect(split(result)).toEqual({ output: 'hello', trailer: 0 });
    expect(parseReports(nonce, result.stderr)).toMatchObject({ got: { bytes: 5 } });
    expect(withoutReports(nonce, result.stderr)).toBe('');
  });

  test('never sees the end of its input without confirmation, not even when the environment holds our names', async () => {
    const script = 'trap "echo TERM; exit 3" TERM; while read -r line; do :; done; echo EOF';
    const env = { _ok: '129', _d: '1', _t: '1', _n: 'x' };
    const running = runWrapped(confirmed(nonce, ['sh', '-c', script], 1), { stdin: 'half a dump', holdMs: 50, env });
    const result = await running;
    expect(split(result)).toMatchObject({ output: 'TERM\n' });
  });

  test('is told apart when it leaves input unread', async () => {
    const { stdout } = await runWrapped(confirmed(nonce, ['sh', '-c', 'exit 0']), { stdin: 'never read', confirm: true });
    expect(parseTrailer(nonce, stdout.subarray(-trailerBytes))).toBe(inputLeftUnread);
  });

  test('keeps its own exit code when it fails early', async () => {
    const { stdout, exitCode } = await runWrapped(confirmed(nonce, ['sh', '-c', 'exit 3']), { stdin: 'never read', confirm: true });
    expect(parseTrailer(nonce, stdout.subarray(-trailerBytes))).toBe(3);
    expect(exitCode).toBe(3);
  });
});

test('the scripts are valid in every shell of this machine', async () => {
  for (const wrap of [acknowledged, confirmed]) {
    const script = wrap(nonce, ['true'])[2] ?? '';
    for (const shell of ['sh', 'bash']) await promisify(execFile)(shell, ['-n', '-c', script]);
  }
});

describe('reports', () => {
  test.each([
    ['5 bytes copied, 0.001 s, 5.0 kB/s', 5],
    ['1 byte copied, 0.001 s', 1],
    ['12345678901 bytes (12 GB, 11 GiB) copied, 90 s, 137 MB/s', 12_345_678_901],
    ['5 bytes (5B) copied, 0.000109 seconds, 44.8KB/s', 5],
    ['sh: dd: not found', undefined],
  ])('%s', (line, bytes) => {
    expect(parseReports(nonce, `own line\n${nonce} got 42 ${line}\n`)).toEqual({ got: { waiter: '42', bytes } });
  });

  test('vanish from stderr', () => {
    expect(withoutReports(nonce, `\n${nonce} at 12\nNOTICE: half\n${nonce} got 42 5 bytes copied\n line`)).toBe('NOTICE: half line');
  });
});
