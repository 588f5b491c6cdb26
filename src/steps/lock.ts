import { createServer } from 'node:net';
import { DavitError } from '../model/errors.ts';

/**
 * One run of a stack at a time, whether the daemon or a command started it. The lock is a name in the container's network namespace, which the kernel
 * gives back when its holder dies: it cannot become stale and nobody ever has to unlock.
 */
export async function withLock<T>(stack: string, part: () => Promise<T>): Promise<T> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(`\0davit/${stack}`, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new DavitError(
      {
        where: `stack "${stack}"`,
        what: 'another backup or restore is under way',
        fix: 'wait until it is done; `docker logs` of the Davit container shows it',
      },
      { cause },
    );
  }
  try {
    return await part();
  } finally {
    server.close();
  }
}
