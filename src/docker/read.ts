import type { Readable } from 'node:stream';
import { acknowledged, createNonce } from './acknowledged.ts';
import type { Daemon } from './daemon.ts';
import type { Command, ExecOptions } from './docker.ts';
import { execute, toolOf } from './execution.ts';
import { requireSuccess } from './verdict.ts';

const tenMinutesMs = 10 * 60_000;

export function read(daemon: Daemon, id: string, command: Command, { idleTimeoutMs = tenMinutesMs, signal }: ExecOptions = {}): Readable {
  const nonce = createNonce();
  const tool = toolOf(command);
  return execute(daemon, id, {
    command: { ...command, argv: acknowledged(nonce, command.argv) },
    tool,
    nonce,
    idleTimeoutMs,
    signal,
    accept: (exitCode, stderr) => requireSuccess(daemon.describe(id), tool, exitCode, stderr),
  }).stream;
}
