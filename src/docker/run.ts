import { Readable } from 'node:stream';
import { DavitError } from '../model/errors.ts';
import { acknowledged, createNonce, inputLeftUnread } from './acknowledged.ts';
import { collect } from './collect.ts';
import type { Daemon } from './daemon.ts';
import type { Command, ExecOptions, Finished } from './docker.ts';
import { execute, toolOf } from './execution.ts';
import { feed } from './feed.ts';

export type RunOptions = ExecOptions & { stdin?: string | Buffer; timeoutMs?: number };

const tenMinutesMs = 10 * 60_000;

export async function run(daemon: Daemon, id: string, command: Command, options: RunOptions = {}): Promise<Finished> {
  const { stdin, timeoutMs = tenMinutesMs, idleTimeoutMs = timeoutMs } = options;
  const tool = toolOf(command);
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new DavitError({ where: daemon.describe(id), what: `${tool} took longer than ${timeoutMs / 1000} s` }));
  }, timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, limit.signal]) : limit.signal;
  try {
    if (stdin === undefined) return await readOut(daemon, id, command, { idleTimeoutMs, signal });
    const finished = await feed(daemon, id, command, Readable.from([Buffer.from(stdin)]), { idleTimeoutMs, signal });
    // A short answer need not read all that it was told.
    return finished.exitCode === inputLeftUnread ? { ...finished, exitCode: 0 } : finished;
  } finally {
    clearTimeout(timer);
  }
}

async function readOut(
  daemon: Daemon,
  id: string,
  command: Command,
  limits: { idleTimeoutMs: number; signal: AbortSignal },
): Promise<Finished> {
  const nonce = createNonce();
  const tool = toolOf(command);
  const outcome = { exitCode: 0, stderr: '' };
  const { stream } = execute(daemon, id, {
    command: { ...command, argv: acknowledged(nonce, command.argv) },
    tool,
    nonce,
    ...limits,
    accept(exitCode, stderr) {
      Object.assign(outcome, { exitCode, stderr });
    },
  });
  const stdout = await collect(stream, daemon.describe(id), tool);
  return { ...outcome, stdout };
}
