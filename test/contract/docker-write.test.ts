import { createHash, randomBytes, randomInt } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
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

/** Stands for a database client: at the end of its input it commits, at SIGTERM it does not. */
const client = {
  argv: ['sh', '-c', 'trap "echo TERM >>/tmp/seen; exit 1" TERM; touch /tmp/ready; while read -r line; do :; done; echo EOF >>/tmp/seen'],
};
const clientIsReady = (of: TestContainer): Promise<void> =>
  until('the client is ready', async () => (await of.sh('ls /tmp')).includes('ready'));
const seen = (of: TestContainer): Promise<string> => of.sh('cat /tmp/seen');

/** Yields in random sizes and hashes what it yields. */
function randomPieces(totalBytes: number) {
  const hash = createHash('sha256');
  const pool = randomBytes(2 * mebibyte);
  function* pieces(): Generator<Buffer> {
    for (let left = totalBytes; left > 0;) {
      const piece = Buffer.from(pool.subarray(0, Math.min(left, randomInt(1, pool.length))));
      hash.update(piece);
      left -= piece.length;
      yield piece;
    }
  }
  return { source: Readable.from(pieces()), sha256: () => hash.digest('hex') };
}

describe('a stream that is fed to a command', () => {
  test('of 300 MB in pieces of random size arrives whole', async () => {
    const { source, sha256 } = randomPieces(300_000_000);
    const { stdout, exitCode } = await davit.write(box.id, { argv: ['sha256sum'] }, source);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${sha256()}  -\n` });
  });

  test('of any size, many at a time', async () => {
    const sizes = [0, 1, 65_535, 65_536, 65_537, ...Array.from({ length: 11 }, () => randomInt(1, 3_000_000))];
    await Promise.all(
      sizes.map(async (bytes) => {
        const { source, sha256 } = randomPieces(bytes);
        const { stdout } = await davit.write(box.id, { argv: ['sha256sum'] }, source);
        expect(stdout).toBe(`${sha256()}  -\n`);
      }),
    );
  });

  test('to a slow command: memory stays bounded', async () => {
    const { source } = randomPieces(100_000_000);
    const before = process.memoryUsage().arrayBuffers;
    let peakBytes = 0;
    const timer = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers - before)), 20);
    const slow = ['sh', '-c', 'while [ "$(head -c 5000000 | wc -c)" -gt 0 ]; do sleep 0.1; done'];
    await davit.write(box.id, { argv: slow }, source).finally(() => clearInterval(timer));
    expect(peakBytes).toBeLessThan(80 * mebibyte);
  });

  test('as another user', async () => {
    const { stdout } = await davit.write(box.id, { argv: ['sh', '-c', 'id -un; cat'], user: 'nobody' }, Readable.from([Buffer.from('x')]));
    expect(stdout).toBe('nobody\nx');
  });

  test('is refused when the command leaves some of it unread, even the last byte', async () => {
    for (const unread of [1, 70_000, 5_000_000]) {
      const command = { argv: ['dd', 'bs=1', 'count=10', 'status=none'] };
      const writing = davit.write(box.id, command, Readable.from([Buffer.alloc(10 + unread)]));
      await expect(writing, `${unread} unread`).rejects.toThrow('dd ended before it had read its whole input');
    }
  });

  test('is refused with the exit code of a command that fails, also early, also while the source gives nothing', async () => {
    const fail = { argv: ['sh', '-c', 'head -c 5; echo "ERROR: syntax" >&2; exit 3'] };
    const expected = 'sh exited with 3: ERROR: syntax';
    await expect(davit.write(box.id, fail, Readable.from([Buffer.alloc(5)]))).rejects.toThrow(expected);
    await expect(davit.write(box.id, fail, Readable.from([Buffer.alloc(20_000_000)]))).rejects.toThrow(expected);
    const endless = new PassThrough();
    endless.write(Buffer.alloc(5));
    await expect(davit.write(box.id, fail, endless)).rejects.toThrow(expected);
    expect(endless.destroyed).toBe(true);
  });
});

describe('the command never takes a broken input for the end of it when', () => {
  test.each([
    ['at once', 0],
    ['in the middle', 3_000_000],
  ])('the source fails %s', async (_what, bytes) => {
    await using other = await startContainer();
    const source = Readable.from(
      (async function* () {
        yield Buffer.alloc(bytes, '\n');
        await clientIsReady(other);
        throw new Error('the storage went away');
      })(),
    );
    const failed = await davit.write(other.id, client, source).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(DavitError);
    expect(String(failed)).toContain('the input of sh failed: the storage went away');
    await until('the client has ended', async () => (await seen(other)) !== '');
    expect(await seen(other)).toBe('TERM');
  });

  test('it is aborted', async () => {
    await using other = await startContainer();
    const controller = new AbortController();
    const source = new PassThrough();
    source.write('line\n');
    const writing = davit.write(other.id, client, source, { signal: controller.signal }).catch(String);
    await clientIsReady(other);
    controller.abort(new Error('SIGTERM'));
    expect(await writing).toContain('sh was stopped: SIGTERM');
    await until('the client has ended', async () => (await seen(other)) !== '');
    expect(await seen(other)).toBe('TERM');
  });

  test.each(['end', 'reset'] as const)('the connection is cut: %s', async (how) => {
    await using other = await startContainer();
    await using proxy = await startSocketProxy({ listen: 'tcp' });
    const source = new PassThrough();
    source.write('line\n');
    const writing = createDocker({ host: proxy.host }).write(other.id, client, source).catch(String);
    await clientIsReady(other);
    proxy.cut(how);
    expect(await writing).toContain('the connection to Docker was cut');
    await until('the client has ended', async () => (await seen(other)) !== '', 60_000);
    expect(await seen(other)).toBe('TERM');
  });

  test('this process is killed by SIGKILL', async () => {
    await using other = await startContainer();
    const program = runProgram(`
      const source = new Readable({ read() { setTimeout(() => this.push('line\\n'), 10); } });
      void createDocker().write('${other.id}', ${JSON.stringify(client)}, source);
      console.log('writing');
    `);
    await program.said('writing');
    await clientIsReady(other);
    program.kill();
    await until('the client has ended', async () => (await seen(other)) !== '', 60_000);
    expect(await seen(other)).toBe('TERM');
  });
});

describe('a command that is run', () => {
  test('resolves with any exit code and keeps the last 8 KiB of stderr', async () => {
    const line = 'echo out; i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 9';
    const { exitCode, stdout, stderr } = await davit.run(box.id, { argv: ['sh', '-c', line] });
    expect({ exitCode, stdout }).toEqual({ exitCode: 9, stdout: 'out\n' });
    expect(stderr).toHaveLength(8 * 1024);
    expect(stderr).toMatch(/line 1999\n$/);
  });

  test('gets its stdin, and need not read it', async () => {
    expect(await davit.run(box.id, { argv: ['cat'] }, { stdin: 'grüße\n' })).toEqual({ exitCode: 0, stdout: 'grüße\n', stderr: '' });
    expect(await davit.run(box.id, { argv: ['sh', '-c', 'echo done; exit 2'] }, { stdin: Buffer.alloc(mebibyte) })).toMatchObject({
      exitCode: 2,
      stdout: 'done\n',
    });
    expect(await davit.run(box.id, { argv: ['true'] }, { stdin: 'unread' })).toMatchObject({ exitCode: 0 });
  });

  test('has a time limit and a limit to what it says', async () => {
    await expect(davit.run(box.id, { argv: ['sleep', '60'] }, { timeoutMs: 500 })).rejects.toThrow('sleep took longer than 0.5 s');
    await expect(davit.run(box.id, { argv: ['sleep', '60'] }, { timeoutMs: 1000, stdin: 'x' })).rejects.toThrow(
      'sleep took longer than 1 s',
    );
    await expect(davit.run(box.id, { argv: ['cat', '/dev/zero'] })).rejects.toThrow('more than 16 MiB');
    await until('they have ended', async () => !(await box.processes()).some((line) => /sleep 60|dev.zero/.test(line)));
  });

  test('rejects when the outcome cannot be known', async () => {
    await using other = await startContainer();
    const running = davit.run(other.id, { argv: ['sleep', '60'] }).catch(String);
    await until('it runs', async () => (await other.processes()).some((line) => line.includes('sleep 60')));
    await docker('rm', '-f', other.id);
    expect(await running).toMatch(/^DavitError: /);
  });

  test('leaves no zombies in a container whose first process does not reap', async () => {
    await using other = await startContainer({ options: ['--entrypoint', 'sleep'], command: ['infinity'] });
    await davit.run(other.id, { argv: ['true'] });
    await davit.run(other.id, { argv: ['false'] }, { stdin: 'x' });
    await davit.run(other.id, { argv: ['cat'] }, { stdin: 'x' });
    await davit.read(other.id, { argv: ['seq', '1', '100000'] }).toArray();
    expect(await docker('top', other.id, '-eo', 'pid,stat,args')).not.toContain('Z');
  });
});
