import type { Readable } from 'node:stream';
import type { Daemon } from './daemon.ts';
import type { Command, ExecOptions, Finished } from './docker.ts';
import { toolOf } from './execution.ts';
import { feed } from './feed.ts';
import { requireSuccess } from './verdict.ts';

/** A database may build an index for long without taking a byte. */
const oneHourMs = 60 * 60_000;

export async function write(
  daemon: Daemon,
  id: string,
  command: Command,
  source: Readable,
  { idleTimeoutMs = oneHourMs, signal }: ExecOptions = {},
): Promise<Finished> {
  const finished = await feed(daemon, id, command, source, { idleTimeoutMs, signal });
  requireSuccess(daemon.describe(id), toolOf(command), finished.exitCode, finished.stderr);
  return finished;
}
