import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDocker } from '../../src/docker/dockerode.ts';
import type { WorkerSpec } from '../../src/docker/docker.ts';
import { docker, runProgram, testLabel, until } from '../support/docker.ts';
import { startSocketProxy } from '../support/socket-proxy.ts';

const davit = createDocker();

/** Reports the job, then waits to be released, as a worker must. */
const obedient = 'read -r job; echo "got $job"; echo done; cat >/dev/null; echo bye >&2';
/** Works until stdin ends, and takes a while to clean up. */
const busy = 'read -r job; echo started; cat >/dev/null; sleep 0.5; exit 4';

function specOf(line: string, change: Partial<WorkerSpec> = {}): WorkerSpec {
  const [key = '', value = ''] = testLabel.split('=');
  return {
    name: `davit-test-worker-${crypto.randomUUID().slice(0, 8)}`,
    image: 'davit-test/app',
    argv: ['sh', '-c', line],
    labels: { [key]: value, 'davit-test.worker': 'yes' },
    mounts: [],
    networkMode: 'none',
    capabilities: [],
    ...change,
  };
}

const exists = async (name: string): Promise<boolean> => (await docker('ps', '-aq', '--filter', `name=^${name}$`)) !== '';

/** Reads lines up to one of them. */
async function linesUntil(lines: AsyncIterable<string>, last: string): Promise<string[]> {
  const iterator = lines[Symbol.asyncIterator]();
  const seen: string[] = [];
  while (seen.at(-1) !== last) {
    const { value, done } = await iterator.next();
    if (done) throw new Error(`the worker ended after ${JSON.stringify(seen)}`);
    seen.push(value);
  }
  return seen;
}

describe('a worker', () => {
  test('gets its job, reports, waits for its release and is gone', async () => {
    const spec = specOf(obedient);
    const { lines, release, exited } = await davit.work(spec, '{"secret":"s3cr3t"}');
    const inspected = await docker('inspect', spec.name);
    expect(await linesUntil(lines, 'done')).toEqual(['got {"secret":"s3cr3t"}', 'done']);
    release();
    expect(await exited).toMatchObject({ exitCode: 0 });
    expect(await exists(spec.name)).toBe(false);
    expect(inspected).not.toContain('s3cr3t');
  });

  test('may write into a folder of the host that is not there yet, and may not read one', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'davit-worker-'));
    const mount = { type: 'bind', source: join(folder.path, 'new'), target: '/tree', readOnly: true } as const;
    await expect(davit.work(specOf(obedient, { mounts: [mount] }), 'job')).rejects.toThrow(/bind source path does not exist/);
    const writing = specOf('read -r job; echo "$job" > /tree/job; echo done; cat >/dev/null', { mounts: [{ ...mount, readOnly: false }] });
    const { lines, release, exited } = await davit.work(writing, 'restored');
    await linesUntil(lines, 'done');
    release();
    await exited;
    expect(await readFile(join(mount.source, 'job'), 'utf8')).toBe('restored\n');
  });

  test('may be left after its last line', async () => {
    const spec = specOf(obedient);
    const worker = await davit.work(spec, 'job');
    for await (const line of worker.lines) if (line === 'done') break;
    worker.release();
    expect((await worker.exited).exitCode).toBe(0);
    expect(await exists(spec.name)).toBe(false);
  });

  test('that fails tells its exit code and its stderr; its lines end', async () => {
    const { lines, exited } = await davit.work(specOf('echo one; printf two; echo oops >&2; exit 5'), 'job');
    expect(await Array.fromAsync(lines)).toEqual(['one', 'two']);
    expect(await exited).toEqual({ exitCode: 5, stderr: 'oops\n', outOfMemory: false });
  });

  test('that was killed for want of memory is known by that', async () => {
    const spec = specOf(`trap go=1 USR1; echo ready; until [ "$go" ]; do sleep 0.1; done; exec perl -e 'my $all = 1 x 150_000_000; sleep'`);
    const { lines, exited } = await davit.work(spec, 'job');
    const ended = Array.fromAsync(lines);
    await docker('update', '--memory', '50m', '--memory-swap', '50m', spec.name);
    await docker('kill', '--signal', 'USR1', spec.name);
    expect(await ended).toEqual(['ready']);
    expect(await exited).toMatchObject({ exitCode: 137, outOfMemory: true });
  });

  test('has no more rights than it was given', async () => {
    const volume = `davit-test-${crypto.randomUUID()}`;
    try {
      const line = `touch /data/x || echo read-only; touch /x || echo read-only root; grep -E "CapEff|NoNewPrivs" /proc/self/status; cat >/dev/null`;
      const mounts = [{ type: 'volume', source: volume, target: '/data', readOnly: true }] as const;
      const { lines, release, exited } = await davit.work(specOf(line, { mounts, capabilities: ['DAC_READ_SEARCH'] }), 'job');
      expect(await linesUntil(lines, 'NoNewPrivs:\t1')).toEqual([
        'read-only',
        'read-only root',
        'CapEff:\t0000000000000004',
        'NoNewPrivs:\t1',
      ]);
      release();
      await exited;
    } finally {
      await docker('volume', 'rm', volume);
    }
  });

  test('may have a place to write, which goes with it', async () => {
    const spec = specOf('read -r job; touch /scratch/x && echo written; cat >/dev/null', { scratch: '/scratch' });
    const { lines, release, exited } = await davit.work(spec, 'job');
    await linesUntil(lines, 'written');
    const volume = await docker('inspect', '-f', '{{range .Mounts}}{{.Name}}{{end}}', spec.name);
    expect(volume).toMatch(/^[0-9a-f]{64}$/);
    release();
    await exited;
    expect(await docker('volume', 'ls', '-q', '--filter', `name=${volume}`)).toBe('');
  });

  test('keeps the order and completeness of many lines', async () => {
    const { lines, release, exited } = await davit.work(specOf('read -r job; seq 1 200000; cat >/dev/null'), 'job');
    const seen = await linesUntil(lines, '200000');
    expect(seen).toEqual(Array.from({ length: 200_000 }, (_, index) => String(index + 1)));
    release();
    expect((await exited).exitCode).toBe(0);
  });

  test('shares the network it is told to', async () => {
    const { lines, exited } = await davit.work(specOf('ls /sys/class/net', { networkMode: 'none' }), 'job');
    expect(await Array.fromAsync(lines)).toEqual(['lo']);
    await exited;
  });
});

describe('no worker is left behind when', () => {
  test('it is aborted: it sees the end of its stdin and may clean up', async () => {
    const spec = specOf(busy);
    const controller = new AbortController();
    const { lines, exited } = await davit.work(spec, 'job', controller.signal);
    await linesUntil(lines, 'started');
    controller.abort();
    expect((await exited).exitCode).toBe(4);
    expect(await exists(spec.name)).toBe(false);
  });

  test('it is aborted and does not obey', async () => {
    const spec = specOf('trap "" TERM; echo started; while :; do sleep 1; done');
    const controller = new AbortController();
    const { lines, exited } = await davit.work(spec, 'job', controller.signal);
    await linesUntil(lines, 'started');
    controller.abort();
    expect((await exited).exitCode).toBe(137);
    await until('it is gone', async () => !(await exists(spec.name)));
  });

  test('it cannot be started', async () => {
    const spec = specOf('true', { argv: ['/no/such/program'] });
    await expect(davit.work(spec, 'job')).rejects.toThrow(/no\/such\/program/);
    expect(await exists(spec.name)).toBe(false);
    await expect(davit.work({ ...spec, image: 'davit-test/no-such-image' }, 'job')).rejects.toThrow(/no such image/i);
    await expect(davit.work(spec, 'job', AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  });

  test.each(['end', 'reset'] as const)('the connections to Docker are cut: %s', async (how) => {
    const spec = specOf(busy);
    await using proxy = await startSocketProxy({ listen: 'tcp' });
    const { lines, exited } = await createDocker({ host: proxy.host }).work(spec, 'job');
    await linesUntil(lines, 'started');
    proxy.cut(how);
    expect(await Array.fromAsync(lines)).toEqual([]);
    await expect(exited).rejects.toThrow(/connection was cut during POST .*wait/);
    await until('it is gone', async () => !(await exists(spec.name)));
  });

  test('this process is killed by SIGKILL', async () => {
    const spec = specOf(busy);
    const program = runProgram(`
      const { lines } = await createDocker().work(${JSON.stringify(spec)}, 'job');
      for await (const line of lines) console.log(line);
    `);
    await program.said('started');
    program.kill();
    await until('it is gone', async () => !(await exists(spec.name)));
  });
});
