import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { DavitError } from '../model/errors.ts';

/**
 * One run of a stack at a time, whether the daemon or a command started it. The lock is a name in the container's network namespace, which the kernel
 * gives back when its holder dies: it cannot become stale and nobody ever has to unlock. Who connects to it is told who holds it.
 */
export async function withLock<T>(stack: string, part: () => Promise<T>): Promise<T> {
  const callers = new Set<Socket>();
  const server = createServer((caller) => {
    callers.add(caller.on('error', () => undefined));
    caller.write(`${process.pid}\n`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(nameOf(stack), resolve);
  try {
    await promise;
  } catch (cause) {
    throw new DavitError(
      {
        where: `stack "${stack}"`,
        what: 'another backup or restore is under way',
        fix: 'wait until it is done',
      },
      { cause },
    );
  }
  try {
    return await part();
  } finally {
    server.close();
    callers.forEach((caller) => caller.destroy());
  }
}

/** The container ends with the daemon: a command that runs beside it is told to stop as well, and awaited, so that it can undo what it has done. */
export async function stopHolder(stack: string): Promise<void> {
  const socket = connect(nameOf(stack));
  const ended = once(socket, 'close');
  socket
    .on('error', () => undefined)
    .on('data', (pid: Buffer) => {
      if (Number(pid) === process.pid) socket.destroy();
      else process.kill(Number(pid), 'SIGTERM');
    });
  await ended;
}

function nameOf(stack: string): string {
  return `\0davit/${stack}`;
}
