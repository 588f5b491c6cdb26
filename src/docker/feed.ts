import type { Socket } from 'node:net';
import { finished, type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { DavitError, messageOf } from '../model/errors.ts';
import { abortion, confirmation, confirmed, createNonce, parseReports, type Reports } from './acknowledged.ts';
import { collect } from './collect.ts';
import type { Daemon } from './daemon.ts';
import type { Command, Finished } from './docker.ts';
import { execute, toolOf } from './execution.ts';

/**
 * Feeds `source` to a command and resolves with any proven exit code. The command sees the end of its input only when the source ended well
 * and the copier inside the container counted as many bytes as we sent; otherwise it is ended while its input is still open.
 */
export async function feed(
  daemon: Daemon,
  id: string,
  command: Command,
  source: Readable,
  limits: { readonly idleTimeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<Finished> {
  const nonce = createNonce();
  const tool = toolOf(command);
  const where = daemon.describe(id);
  const outcome = { exitCode: 0, stderr: '' };
  const reports = createReports(nonce);
  const { stream, opened, ended } = execute(daemon, id, {
    command: { ...command, argv: confirmed(nonce, command.argv) },
    tool,
    nonce,
    ...limits,
    isOurTurn: (socket) => !source.readableEnded && socket.writableLength === 0,
    onStderr: reports.add,
    accept(exitCode, stderr) {
      Object.assign(outcome, { exitCode, stderr });
    },
  });
  const stdout = collect(stream, where, tool);
  stdout.catch(() => {});

  async function deliver(): Promise<void> {
    const socket = await opened;
    const sentBytes = await pour(source, socket);
    socket.end();
    const { bytes, waiter } = await reports.got;
    if (bytes !== sentBytes) {
      // The usual reason is a command that failed; then its exit code is on the way and tells more.
      await Promise.race([ended, after(3000)]);
      throw new DavitError({ where, what: `${tool} was to get ${sentBytes} bytes, ${bytes ?? 'an unknown number'} arrived` });
    }
    await send(daemon, id, { argv: confirmation(waiter), user: command.user });
  }

  /** Ends the command while its input is still open, so that it cannot take the half for the whole. */
  async function stop(): Promise<void> {
    const group = await Promise.race([reports.group, ended]);
    if (group) await send(daemon, id, { argv: abortion(group), user: command.user }).catch(() => {});
    await ended;
  }

  const delivery = deliver();
  delivery.catch(() => {});
  try {
    // A command may end before its input does; its exit code then tells more than the broken delivery.
    await Promise.race([delivery, ended]);
    return { stdout: await stdout, ...outcome };
  } catch (error) {
    await Promise.race([stop(), after(10_000)]);
    throw error instanceof DavitError
      ? error
      : new DavitError({ where, what: `the input of ${tool} failed`, seen: messageOf(error) }, { cause: error });
  } finally {
    stream.destroy();
    source.destroy();
  }
}

function pour(source: Readable, socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    source.on('data', (chunk: Buffer | string) => (bytes += Buffer.byteLength(chunk)));
    finished(source, { writable: false }, (error) => (error ? reject(error) : resolve(bytes)));
    source.pipe(socket, { end: false });
  });
}

/** What the copier says on stderr, between the command's own lines. */
function createReports(nonce: string) {
  const group = Promise.withResolvers<string>();
  const got = Promise.withResolvers<NonNullable<Reports['got']>>();
  let text = '';
  return {
    group: group.promise,
    got: got.promise,
    add(bytes: Buffer): void {
      text += bytes.toString('latin1');
      const reports = parseReports(nonce, text);
      if (reports.group) group.resolve(reports.group);
      if (reports.got) got.resolve(reports.got);
      text = text.slice(-200);
    },
  };
}

function after(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false });
}

/** Signals a process of the same user in the container. */
async function send(daemon: Daemon, id: string, command: Command): Promise<void> {
  const { socket, inspect } = await daemon.exec(id, command);
  socket.on('error', () => {}).resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  const state = await inspect();
  if (state?.exitCode !== 0)
    throw new DavitError({ where: daemon.describe(id), what: 'a command could not be told that its input is complete' });
}
