import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { exitError, program, programInput, programOutput } from '../../src/codecs/program.ts';
import { DavitError } from '../../src/model/errors.ts';
import { digest, noise, sha256, streamOf } from '../support/bytes.ts';
import { reasonOf } from '../support/reason.ts';
import { children, until } from '../support/processes.ts';

const shell = (line: string): [string, string[]] => ['sh', ['-c', line]];
const megabytes = noise(5_000_000);

async function run(content: Buffer, line: string): Promise<{ bytes: number; sha256: string }> {
  const stage = program(...shell(line));
  const [result] = await Promise.all([digest(stage), pipeline(streamOf(content), stage)]);
  return result;
}

describe('a program as a stage', () => {
  test('passes every byte', async () => {
    expect(await run(megabytes, 'cat')).toEqual({ bytes: megabytes.length, sha256: sha256(megabytes) });
  });

  test.for([
    ['fails before it reads', 'echo "no luck" >&2; exit 3', /exited with 3: no luck/],
    ['fails after its last byte', 'cat; echo "no luck" >&2; exit 3', /exited with 3: no luck/],
    ['is killed', 'head -c 1000; kill -9 $$', /was killed: SIGKILL/],
    ['says it succeeded but left input unread', 'head -c 1000 >/dev/null; exit 0', /ended before it had read its whole input/],
    ['closes its input and goes on', 'exec <&-; echo output; exit 0', /ended before it had read its whole input/],
  ] as const)('is an error when it %s', async ([, line, message]) => {
    const running = run(megabytes, line);
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toThrow(DavitError);
  });

  test('is an error when the program does not exist', async () => {
    const stage = program('no-such-program', []);
    await expect(Promise.all([digest(stage), pipeline(streamOf(megabytes), stage)])).rejects.toThrow('install no-such-program');
  });

  test('the error holds the last lines of stderr, however much there was', async () => {
    const failure: unknown = await run(megabytes, 'seq 100000 >&2; echo last words >&2; exit 1').catch((error: unknown) => error);
    expect(String(failure)).toContain('last words');
    expect(String(failure).length).toBeLessThan(1000);
  });

  test('ends only after the program has ended', async () => {
    const stage = program(...shell('cat; exec >&-; sleep 0.3; exit 7'));
    await expect(Promise.all([digest(stage), pipeline(streamOf(noise(10)), stage)])).rejects.toThrow('exited with 7');
  });

  test('destroying it kills the program', async () => {
    const stage = program('sleep', ['1000']);
    const sleeper = await until(() => children().find(({ argv }) => argv === 'sleep 1000 '));
    stage.on('error', () => undefined).destroy();
    await until(() => children().every(({ pid }) => pid !== sleeper.pid));
  });

  test('sees neither our variables nor our secret in a list of processes', async () => {
    process.env['DAVIT_TEST_SECRET'] = 'hush';
    const output = programOutput(...shell('read -r secret <&3; printf "%s " "$secret"; cat /proc/$$/environ /proc/$$/cmdline'), {
      secret: 'psst\n',
    });
    const seen = await text(output);
    delete process.env['DAVIT_TEST_SECRET'];
    expect(seen).toMatch(/^psst /);
    expect(seen).toContain('LC_ALL=C.UTF-8');
    expect(seen.slice(5)).not.toMatch(/psst|hush/);
  });
});

describe('the output of a program', () => {
  test('is an error when the exit is judged one', async () => {
    await expect(text(programOutput(...shell('echo half; exit 1')))).rejects.toThrow('exited with 1');
    const lenient = programOutput(...shell('echo half; exit 1'), {
      judge: (exit) => (exit.exitCode < 2 ? undefined : exitError('sh', exit)),
    });
    expect(await text(lenient)).toBe('half\n');
  });

  test('comes with every line of stderr', async () => {
    const lines: string[] = [];
    await text(programOutput(...shell('seq 10000 >&2; printf unended >&2'), { onStderrLine: (line) => lines.push(line) }));
    expect(lines).toEqual([...Array.from({ length: 10_000 }, (_, index) => String(index + 1)), 'unended']);
  });
});

describe('the input of a program', () => {
  test('finishes only after the program has succeeded', async () => {
    let lines = '';
    const onStderrLine = (line: string) => void (lines += line);
    await pipeline(streamOf(megabytes), programInput(...shell('wc -c >&2; sleep 0.2; echo done >&2'), { onStderrLine }));
    expect(lines).toBe(`${megabytes.length}done`);
  });

  test.for(['cat >/dev/null; exit 4', 'exit 4'])('is an error after: %s', async (line) => {
    await expect(pipeline(streamOf(megabytes), programInput(...shell(line)))).rejects.toThrow('exited with 4');
  });

  test('an abort kills the program', async () => {
    const controller = new AbortController();
    const silent = new Readable({ read: () => undefined });
    const reason = reasonOf(pipeline(silent, programInput('cat', [], { signal: controller.signal })));
    await until(() => children().some(({ argv }) => argv === 'cat '));
    controller.abort();
    expect((await reason).name).toBe('AbortError');
    await until(() => children().every(({ argv }) => argv !== 'cat '));
  });

  test('accepts nothing as input', async () => {
    await pipeline(Readable.from([]), programInput('cat', []));
  });
});
