import { basename } from 'node:path';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { lendWhole } from '../model/chunk.ts';
import { DavitError, messageOf } from '../model/errors.ts';
import { withoutReports } from './acknowledged.ts';
import type { Daemon, Exec, ExecState } from './daemon.ts';
import { createDemultiplexer } from './demultiplex.ts';
import type { Command } from './docker.ts';
import { watchIdle } from './idle.ts';
import { createTail } from './tail.ts';
import { proveExit } from './verdict.ts';

export interface ExecutionSpec {
  /** The command under its wrapper. */
  readonly command: Command;
  readonly tool: string;
  readonly nonce: string;
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** We keep the command waiting, not it us. */
  isOurTurn?(socket: Socket): boolean;
  onStderr?(bytes: Buffer): void;
  /** May refuse a proven exit code by throwing. */
  accept(exitCode: number, stderr: string): void;
}

export interface Execution {
  /** stdout; ends only after the outcome is proven and accepted. Destroying it ends the command. */
  readonly stream: Readable;
  readonly opened: Promise<Socket>;
  /** Resolves when the command has ended or its outcome is lost. Never rejects. */
  readonly ended: Promise<void>;
}

/** Silence may be work, but a paused container does none. */
const suspiciousSilenceMs = 10_000;
/** Of a connection over which the exit code has come. */
const closesWithinMs = 10_000;

export function toolOf({ argv, title }: Command): string {
  return title ?? basename(argv[0] ?? '');
}

export function execute(daemon: Daemon, id: string, spec: ExecutionSpec): Execution {
  const { tool, nonce, idleTimeoutMs, signal, accept } = spec;
  const where = daemon.describe(id);
  const stderr = createTail();
  const ended = Promise.withResolvers<void>();
  let exec: Exec | undefined;
  let trailer: number | undefined;
  let receivedBytes = 0;
  let closing: NodeJS.Timeout | undefined;

  const stream = createDemultiplexer({
    where,
    nonce,
    onStderr(bytes) {
      stderr.add(bytes);
      spec.onStderr?.(bytes);
    },
    onTrailer(exitCode) {
      trailer = exitCode;
      // The shell waits for a line, because not everything on the way passes on that there will be none.
      if (exec?.socket.writableEnded === false) exec.socket.end('\n');
      closing = setTimeout(() => exec?.socket.destroy(), closesWithinMs);
      ended.resolve();
    },
    async onEnd(rest) {
      const state = exec && (await settled(exec, trailer !== undefined));
      const said = withoutReports(nonce, stderr.text());
      const exitCode = proveExit({ where, tool, trailer, state, stderr: said, rest });
      accept(exitCode, said);
    },
  });

  const abort = (): void => void stream.destroy(abortError(where, tool, signal));
  const giveUp = async (): Promise<void> => {
    const state = await daemon.find(id).then((info) => info?.State.Status, messageOf);
    const silence = `${tool} was silent for ${idleTimeoutMs / 1000} s`;
    stream.destroy(new DavitError({ where, what: silence, seen: `the container is ${state ?? 'gone'}` }));
  };
  const giveUpIfPaused = async (): Promise<void> => {
    const info = await daemon.find(id).catch(() => undefined);
    if (info?.State.Status !== 'paused') return;
    stream.destroy(
      new DavitError({ where, what: `the container was paused while ${tool} ran`, fix: `docker unpause ${info.Name.slice(1)}` }),
    );
  };
  const idle = watchIdle({
    limitMs: idleTimeoutMs,
    progress: () => receivedBytes + (exec ? exec.socket.bytesWritten - exec.socket.writableLength : 0),
    isOurTurn: () => stream.writableNeedDrain || (exec && spec.isOurTurn?.(exec.socket)) === true,
    onSilence: (sinceMs) => void (sinceMs >= suspiciousSilenceMs && giveUpIfPaused()),
    onIdle: () => void giveUp(),
  });
  // Without a listener, an error before the caller has attached one would end the process.
  stream.on('error', () => {});
  stream.once('close', () => {
    idle.stop();
    clearTimeout(closing);
    signal?.removeEventListener('abort', abort);
    exec?.socket.destroy();
    ended.resolve();
  });
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();

  async function open(): Promise<Socket> {
    if (!stream.destroyed) exec = await daemon.exec(id, spec.command);
    if (!exec || stream.destroyed) {
      exec?.socket.destroy();
      throw abortError(where, tool, signal);
    }
    const { socket } = exec;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => (receivedBytes += lendWhole(chunk).length));
    // A dropped connection often looks like a clean end; the verdict is made in one place for both.
    socket.once('close', () => stream.writableEnded || stream.end());
    socket.pipe(stream);
    return socket;
  }

  const opened = open();
  opened.catch((error: Error) => stream.destroy(error));
  return { stream, opened, ended: ended.promise };
}

/** After the trailer the shell needs a moment to exit. */
async function settled(exec: Exec, exits: boolean): Promise<ExecState | undefined> {
  for (let attempt = 0; ; attempt += 1) {
    const state = await exec.inspect();
    if (!state?.running || !exits || attempt === 20) return state;
    await delay(25 * (attempt + 1));
  }
}

function abortError(where: string, tool: string, signal: AbortSignal | undefined): Error {
  if (signal?.reason instanceof DavitError) return signal.reason;
  return new DavitError({ where, what: `${tool} was stopped`, seen: signal?.reason === undefined ? undefined : messageOf(signal.reason) });
}
