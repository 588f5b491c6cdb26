import { Duplex, Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { giveBack, lendWhole } from '../model/chunk.ts';
import { DavitError, messageOf } from '../model/errors.ts';

export interface Exit {
  readonly exitCode: number;
  /** The last 8 KiB. */
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly signal?: AbortSignal | undefined;
  /** Handed over on file descriptor 3, so that it stands neither in argv nor in the environment nor in a file. */
  readonly secret?: string | undefined;
  /** Decides what an exit means; by default everything but 0 is an error. */
  readonly judge?: ((exit: Exit) => DavitError | undefined) | undefined;
  readonly onStderrLine?: ((line: string) => void) | undefined;
}

const chunkBytes = 1024 * 1024;
const stderrBytes = 8192;

/** Programs get no variable of ours: those hold secrets. The locale makes messages English and names UTF-8. */
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

/** A native program as a stage of a pipeline. It ends only after the program has read everything and exited well. */
export function program(file: string, args: readonly string[], options: ProgramOptions = {}): Duplex {
  const running = start(file, args, options);
  const stage: Duplex = new Duplex({ ...shape(options), ...input(running), ...output(running), destroy: running.end });
  running.deliverTo(stage);
  running.done.then(
    () => stage.push(null),
    (error: unknown) => stage.destroy(error as Error),
  );
  return stage;
}

/** A program's stdout; `stdin` is what it reads. */
export function programOutput(file: string, args: readonly string[], options: ProgramOptions & { readonly stdin?: string } = {}): Readable {
  const running = start(file, args, options);
  running.begin();
  running.stdin.end(options.stdin ?? '');
  const source: Readable = new Readable({ ...shape(options), ...output(running), destroy: running.end });
  running.deliverTo(source);
  running.done.then(
    () => source.push(null),
    (error: unknown) => source.destroy(error as Error),
  );
  return source;
}

/** A program's stdin. It finishes only after the program has read everything and exited well. */
export function programInput(file: string, args: readonly string[], options: ProgramOptions = {}): Writable {
  const running = start(file, args, options);
  const { write, writev, final } = input(running);
  const sink: Writable = new Writable({
    ...shape(options),
    write,
    writev,
    final: (callback) => final(() => void running.done.then(() => callback(), callback)),
    destroy: running.end,
  });
  running.stdout.resume();
  running.done.catch((error: unknown) => sink.destroy(error as Error));
  return sink;
}

function shape({ signal }: ProgramOptions) {
  return { writableHighWaterMark: chunkBytes, readableHighWaterMark: chunkBytes, ...(signal ? { signal } : {}) };
}

type Callback = (error?: Error | null) => void;
type Running = ReturnType<typeof start>;

/** Small writes that pile up while the program is busy go to it as one, and are given back then; a broken pipe is explained by how the program exits. */
function input({ stdin, done, begin }: Running) {
  const settle = (callback: Callback, written?: () => void) => (error?: Error | null) => {
    if (error) return void done.then(() => callback(), callback);
    written?.();
    callback();
  };
  return {
    write: (chunk: Buffer, _: BufferEncoding, callback: Callback) =>
      void stdin.write(
        chunk,
        settle(callback, () => giveBack(chunk)),
      ),
    writev: (chunks: { chunk: Buffer }[], callback: Callback) => {
      const written = settle(callback, () => chunks.forEach(({ chunk }) => giveBack(chunk)));
      stdin.cork();
      chunks.forEach(({ chunk }, index) => stdin.write(chunk, index === chunks.length - 1 ? written : undefined));
      stdin.uncork();
    },
    final: (callback: Callback) => {
      begin();
      stdin.end(settle(callback));
    },
  };
}

function output({ stdout }: Running) {
  return { read: () => void stdout.resume() };
}

function start(file: string, args: readonly string[], { signal, secret, judge, onStderrLine }: ProgramOptions) {
  signal?.throwIfAborted();
  const child = execa(file, args, {
    stdio: ['pipe', 'pipe', 'pipe', ...(secret === undefined ? [] : ['pipe' as const])],
    encoding: 'buffer',
    buffer: false,
    reject: false,
    extendEnv: false,
    env,
    killSignal: 'SIGKILL',
  });
  const { stdin, stdout, stderr } = child;
  let tail = '';
  let line = '';
  let inputEnded = false;
  stdin.on('error', () => undefined);
  stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-stderrBytes);
    if (!onStderrLine) return;
    const lines = (line + text).split('\n');
    line = (lines.pop() ?? '').slice(-stderrBytes);
    lines.forEach(onStderrLine);
  });
  if (secret !== undefined) (child.stdio[3] as Writable).on('error', () => undefined).end(secret);

  async function finish(): Promise<void> {
    const { exitCode, signal: killer, cause } = await child;
    if (line !== '') onStderrLine?.(line);
    if (exitCode === undefined) {
      if (killer) throw new DavitError({ where: file, what: 'was killed', seen: killer, fix: 'look for too little memory' });
      throw new DavitError({ where: file, what: 'could not be run', seen: messageOf(cause), fix: `install ${file}` });
    }
    const exit = { exitCode, stderr: tail };
    const verdict = judge ? judge(exit) : exitCode === 0 ? undefined : exitError(file, exit);
    if (verdict) throw verdict;
    if (!inputEnded) throw new DavitError({ where: file, what: 'ended before it had read its whole input', seen: lastLines(tail) });
  }
  const done = finish();
  done.catch(() => undefined);

  return {
    stdin,
    stdout,
    done,
    /** From here on the program may exit: all its input is on the way. */
    begin: () => void (inputEnded = true),
    deliverTo: (target: Readable) => stdout.on('data', (chunk: Buffer) => void (target.push(lendWhole(chunk)) || stdout.pause())),
    end: (error: Error | null, callback: Callback) => {
      child.kill('SIGKILL');
      stdin.destroy();
      stdout.destroy();
      callback(error);
    },
  };
}

export function exitError(file: string, { exitCode, stderr }: Exit, fix?: string): DavitError {
  return new DavitError({ where: file, what: `exited with ${exitCode}`, seen: lastLines(stderr), fix });
}

function lastLines(text: string): string | undefined {
  return text.trim().split('\n').slice(-5).join('; ') || undefined;
}
