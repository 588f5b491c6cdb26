import { setTimeout as wait } from 'node:timers/promises';
import { connect, createServer, type Socket } from 'node:net';
import { type Complaint, DavitError } from '../model/errors.ts';

const attemptsToHold = 25;
const pauseMs = 200;

/**
 * One run of a stack at a time, whether the daemon or a command started it. Who connects to the lock is told who holds it. What the daemon does for a moment, to
 * bring an app back, does not keep a command from beginning: it waits for five seconds.
 */
export async function withLock<T>(stack: string, part: () => Promise<T>, pause = (): Promise<unknown> => wait(pauseMs)): Promise<T> {
  await using _ = await holdPatiently();
  return await part();

  async function holdPatiently(): Promise<AsyncDisposable> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await hold(nameOf(stack), {
          where: `stack "${stack}"`,
          what: 'another backup, restore or drill is under way',
          fix: 'wait until it is done',
        });
      } catch (error) {
        if (attempt === attemptsToHold) throw error;
        await pause();
      }
    }
  }
}

/** One daemon in a container: a second one would overwrite what the first says about its health. */
export function holdDaemon(stack: string): Promise<AsyncDisposable> {
  return hold(`\0davit-daemon/${stack}`, {
    where: 'davit',
    what: 'the daemon runs already in this container',
    fix: 'say what you want: `davit backup`, `davit plan`, … (`davit --help`)',
  });
}

/** A name in the container's network namespace, which the kernel gives back when its holder dies: it cannot become stale and nobody ever has to unlock. */
async function hold(name: string, complaint: Complaint): Promise<AsyncDisposable> {
  const callers = new Set<Socket>();
  const server = createServer((caller) => {
    callers.add(caller.on('error', () => undefined));
    caller.write(`${process.pid}\n`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(name, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new DavitError(complaint, { cause });
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      callers.forEach((caller) => caller.destroy());
    },
  };
}

/** Whether a backup, restore or drill of the stack is under way in this container. */
export async function isHeld(stack: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(nameOf(stack));
  socket.on('error', () => resolve(false)).on('connect', () => resolve(true));
  return promise.finally(() => socket.destroy());
}

/** Waits as long as one is, or until this signal. */
export async function untilFree(stack: string, signal: AbortSignal): Promise<void> {
  await released(connect({ path: nameOf(stack), signal }).resume());
}

/** The container ends with the daemon: a command that runs beside it is told to stop as well, and awaited, so that it can undo what it has done. */
export async function stopHolder(stack: string): Promise<void> {
  const socket = connect(nameOf(stack));
  socket.on('data', (pid: Buffer) => {
    if (Number(pid) === process.pid) socket.destroy();
    else process.kill(Number(pid), 'SIGTERM');
  });
  await released(socket);
}

/** At once where nobody holds it. */
function released(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('error', () => undefined).on('close', () => resolve());
  return promise;
}

function nameOf(stack: string): string {
  return `\0davit/${stack}`;
}
