import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDocker } from '../../src/docker/dockerode.ts';
import { DavitError } from '../../src/model/errors.ts';
import { docker, runProgram, startContainer, type TestContainer, until } from '../support/docker.ts';

import { startSocketProxy } from '../support/socket-proxy.ts';

const davit = createDocker();
const mebibyte = 1024 * 1024;
let box: TestContainer;

beforeAll(async () => {
  box = await startContainer();
});
afterAll(() => box[Symbol.asyncDispose]());

/** Bytes whose every position matters: the numbers from 1 on. */
const seq = (count: number): string[] => ['seq', '1', String(count)];

async function drain(stream: Readable, onChunk?: (bytes: number) => unknown): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    await onChunk?.(bytes);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The message of the error a stream ends with. */
async function failure(stream: Readable): Promise<string> {
  const caught = await drain(stream).then(
    ({ bytes }) => new Error(`ended cleanly after ${bytes} bytes`),
    (error: unknown) => error,
  );
  expect(caught).toBeInstanceOf(DavitError);
  return String(caught);
}

async function firstByte(stream: Readable): Promise<void> {
  await new Promise((resolve, reject) => stream.once('readable', resolve).once('error', reject));
}

function nothingRuns(of: TestContainer): () => Promise<boolean> {
  return async () => (await of.processes()).every((line) => /tini|sleep infinity/.test(line));
}

describe('a whole stream', () => {
  test('of 300 MB through a slow reader: every byte, bounded memory', async () => {
    const file = 'head -c 300000000 /dev/zero | tr "\\0" x | sed "s/xxxxxxx/davit42/g"';
    const expected = (await box.sh(`${file} | sha256sum`)).split(' ')[0];
    const before = process.memoryUsage();
    let peakBytes = 0;
    const { bytes, sha256 } = await drain(davit.read(box.id, { argv: ['sh', '-c', file] }), async () => {
      const { arrayBuffers } = process.memoryUsage();
      peakBytes = Math.max(peakBytes, arrayBuffers - before.arrayBuffers);
      await delay(10);
    });
    expect({ bytes, sha256 }).toEqual({ bytes: 300_000_000, sha256: expected });
    expect(peakBytes).toBeLessThan(128 * mebibyte);
  });

  test('as another user, with binary output and talk on stderr', async () => {
    const argv = ['sh', '-c', 'echo noise >&2; id -un; printf "\\000\\377"; head -c 20000 /dev/zero >&2'];
    const chunks: Buffer[] = await davit.read(box.id, { argv, user: 'nobody' }).toArray();
    expect(Buffer.concat(chunks)).toEqual(Buffer.from('nobody\n\0\xff', 'latin1'));
  });

  test('that is empty', async () => {
    expect(await drain(davit.read(box.id, { argv: ['true'] }))).toMatchObject({ bytes: 0 });
  });
});

describe('never a clean end when', () => {
  test('the command exits with another code than 0', async () => {
    expect(await failure(davit.read(box.id, { argv: ['sh', '-c', 'seq 1 100000; echo "FATAL: no role" >&2; exit 3'] }))).toBe(
      `DavitError: container "${box.id.slice(0, 12)}": sh exited with 3: FATAL: no role`,
    );
  });

  test('the command is killed', async () => {
    expect(await failure(davit.read(box.id, { argv: ['sh', '-c', 'seq 1 100000; kill -9 $$'] }))).toContain('sh exited with 137');
  });

  test('the wrapper itself is killed', async () => {
    expect(await failure(davit.read(box.id, { argv: ['sh', '-c', 'seq 1 100000; kill -9 $PPID'] }))).toContain(
      'was killed (exit code 137)',
    );
  });

  test('the program or the user does not exist', async () => {
    expect(await failure(davit.read(box.id, { argv: ['no-such-tool'] }))).toContain('no-such-tool exited with 127');
    expect(await failure(davit.read(box.id, { argv: ['true'], user: 'no-such-user' }))).toMatch(/no-such-user/);
  });

  test('the container has no shell', async () => {
    await using bare = await startContainer({ options: ['--entrypoint', 'sleep'], command: ['infinity'] });
    await docker('exec', bare.id, 'rm', '/bin/sh');
    expect(await failure(davit.read(bare.id, { argv: ['true'] }))).toContain('it has no sh');
    await expect(davit.run(bare.id, { argv: ['true'] }, { stdin: 'x' })).rejects.toThrow('it has no sh');
  });

  test.each([
    ['killed', 'kill', /was killed|was removed|was cut/],
    ['removed', 'rm -f', /removed|was killed|was cut/],
    ['stopped', 'stop -t 0', /was killed|was cut/],
  ])('the container is %s', async (_what, verb, expected) => {
    await using other = await startContainer();
    const stream = davit.read(other.id, { argv: ['sh', '-c', 'seq 1 1000; exec sleep 60'] });
    const failed = failure(stream);
    await until('the command runs', async () => (await other.processes()).some((line) => line.includes('sleep 60')));
    await docker(...verb.split(' '), other.id);
    expect(await failed).toMatch(expected);
  });

  test('the container is paused: silence has a limit', async () => {
    await using other = await startContainer();
    const failed = failure(davit.read(other.id, { argv: ['sh', '-c', 'while :; do echo x; sleep 0.1; done'] }, { idleTimeoutMs: 1500 }));
    await until('the command runs', async () => (await other.processes()).some((line) => line.includes('while')));
    await docker('pause', other.id);
    expect(await failed).toMatch(/sh was silent for 1.5 s: the container is paused/);
    expect(await failure(davit.read(other.id, { argv: ['true'] }))).toMatch(/is paused/);
    await docker('unpause', other.id);
    await until('the command has ended', nothingRuns(other));
  });

  test('the container does not run or does not exist', async () => {
    expect(await failure(davit.read('no-such-container', { argv: ['true'] }))).toContain('container "no-such-cont": Docker refused POST');
  });

  test.each([
    ['FIN', 'tcp', 'end'],
    ['RST', 'tcp', 'reset'],
    ['FIN on a unix socket', 'unix', 'end'],
  ] as const)('the connection is cut by a %s, and the command is ended', async (_what, listen, how) => {
    await using other = await startContainer();
    await using proxy = await startSocketProxy({ listen, cut: { afterBytes: 2 * mebibyte, how } });
    const through = createDocker({ host: proxy.host });
    expect(await failure(through.read(other.id, { argv: ['sh', '-c', 'cat /dev/zero | cat'] }))).toContain('connection to Docker was cut');
    await until('the command has ended', nothingRuns(other));
  });
});

describe('a slow reader is not a silent command', () => {
  test('a stall longer than the idle limit on our side is no error', async () => {
    const stream = davit.read(box.id, { argv: seq(2_000_000) }, { idleTimeoutMs: 1000 });
    await firstByte(stream);
    await delay(3000);
    const expected = (await box.sh('seq 1 2000000 | sha256sum')).split(' ')[0];
    expect((await drain(stream)).sha256).toBe(expected);
  });
});

describe('the command ends inside the container when', () => {
  test.each(['cat /dev/zero | cat', 'exec sleep 1000', 'trap "" TERM; while :; do sleep 0.2; done'])(
    'the stream is destroyed: %s',
    async (line) => {
      await using other = await startContainer();
      const stream = davit.read(other.id, { argv: ['sh', '-c', line] });
      await until('the command runs', async () => !(await nothingRuns(other)()));
      stream.destroy();
      await until('the command has ended', nothingRuns(other));
    },
  );

  test('it is aborted, and the stream says why', async () => {
    await using other = await startContainer();
    const controller = new AbortController();
    const failed = failure(davit.read(other.id, { argv: ['cat', '/dev/zero'] }, { signal: controller.signal }));
    await until('the command runs', async () => !(await nothingRuns(other)()));
    controller.abort(new Error('SIGTERM'));
    expect(await failed).toContain('cat was stopped: SIGTERM');
    await until('the command has ended', nothingRuns(other));
    expect(await failure(davit.read(other.id, { argv: ['cat', '/dev/zero'] }, { signal: controller.signal }))).toContain('was stopped');
  });

  test.each(['flowing', 'stalled'])('this process is killed by SIGKILL while the stream is %s', async (mode) => {
    await using other = await startContainer();
    const client = runProgram(`
      const stream = createDocker().read('${other.id}', { argv: ['sh', '-c', 'cat /dev/zero | cat'] });
      if ('${mode}' === 'flowing') stream.resume();
      stream.once('readable', () => console.log('flowing'));
      if ('${mode}' === 'stalled') stream.read(0);
    `);
    await client.said('flowing');
    client.kill();
    await until('the command has ended', nothingRuns(other));
  });
});
