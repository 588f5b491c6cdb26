import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { DavitError, messageOf } from '../../model/errors.ts';
import { MissingObject } from '../../storage/storage.ts';
import { getJson, listFiles, putJson } from './objects.ts';
import type { Opened } from './open.ts';

const lockFolder = 'locks';
/** Restic's own times. */
const [settleMs, refreshMs, staleMs] = [200, 300_000, 1_800_000];
const retryMs = 5_000;

const lockSchema = z.object({
  time: z.string(),
  exclusive: z.boolean().default(false),
  hostname: z.string().default(''),
  pid: z.number().default(0),
  /** The snapshot that Davit writes meanwhile; others leave it out. */
  davit: z.string().optional(),
});
type LockFile = z.infer<typeof lockSchema>;

export interface Lock extends AsyncDisposable {
  /** Aborted when the lock could not be kept fresh: others may take it for dead. */
  readonly lost: AbortSignal;
}

/** Many may write at a time; who removes must be alone. Waits for others up to `patienceMs`. */
export async function takeLock(opened: Opened, exclusive: boolean, davit: string, patienceMs = 600_000): Promise<Lock> {
  const { storage, seal } = opened;
  const put = (): Promise<string> => {
    const lock = { time: new Date().toISOString(), exclusive, hostname: hostname(), username: 'davit', pid: process.pid, davit };
    return putJson(storage, seal, lockFolder, lock);
  };
  const deadline = Date.now() + patienceMs;
  let id: string;
  let freshAt: number;
  for (;;) {
    let other = await findConflict(opened, exclusive);
    if (other === undefined) {
      freshAt = Date.now();
      id = await put();
      try {
        // Who came at the same moment is seen now, or sees this one.
        await wait(settleMs);
        other = await findConflict(opened, exclusive, id);
      } catch (error) {
        await storage.remove([`${lockFolder}/${id}`]);
        throw error;
      }
      if (other === undefined) break;
      await storage.remove([`${lockFolder}/${id}`]);
    }
    if (Date.now() > deadline) throw inUse(opened, other);
    await wait(Math.min(retryMs, patienceMs) * (0.5 + Math.random()));
  }

  const lost = new AbortController();
  const timer = setInterval(() => void refresh(), refreshMs).unref();
  let refreshing = Promise.resolve();
  function refresh(): Promise<void> {
    refreshing = refreshing.then(async () => {
      // The machine may have slept.
      if (Date.now() - freshAt > staleMs - refreshMs) return loseIt('it was not kept fresh in time');
      try {
        const now = Date.now();
        const next = await put();
        await storage.remove([`${lockFolder}/${id}`]);
        [id, freshAt] = [next, now];
      } catch (error) {
        if (Date.now() - freshAt < staleMs - 2 * refreshMs) return;
        loseIt(messageOf(error));
      }
    });
    return refreshing;
  }
  function loseIt(seen: string): void {
    lost.abort(new DavitError({ where: storage.location, what: 'the lock could not be kept', seen, fix: 'run again' }));
  }
  return {
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await refreshing;
      // What was done under it is done. It does not last, and the next run removes it, or says why it cannot.
      await storage.remove([`${lockFolder}/${id}`]).catch(() => undefined);
    },
  };
}

async function* readLocks({ storage, seal }: Opened): AsyncGenerator<{ key: string; modifiedAt: Date; lock: LockFile }> {
  for await (const { key, modifiedAt } of listFiles(storage, lockFolder)) {
    try {
      yield { key, modifiedAt, lock: lockSchema.parse(await getJson(storage, seal, key)) };
    } catch (error) {
      if (!(error instanceof MissingObject)) throw error;
    }
  }
}

async function findConflict(opened: Opened, exclusive: boolean, own?: string): Promise<LockFile | undefined> {
  for await (const { key, lock } of readLocks(opened)) {
    if (key === `${lockFolder}/${own}`) continue;
    if (isStale(lock)) await opened.storage.remove([key]);
    else if (exclusive || lock.exclusive) return lock;
  }
  return undefined;
}

/** Its process is known to be gone, or has not refreshed it for half an hour. */
function isStale({ time, hostname: host, pid, davit }: LockFile): boolean {
  if (Date.now() - Date.parse(time) > staleMs) return true;
  // Processes of different containers can share a host name, not a number: only a lock of restic itself tells by that.
  return davit === undefined && host === hostname() && !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes the locks of runs that are dead, by the id of what they were writing. */
export async function removeDeadLocks(opened: Opened, isDead: (id: string, startedAt: Date) => boolean): Promise<number> {
  const dead: string[] = [];
  for await (const { key, modifiedAt, lock } of readLocks(opened))
    if (isStale(lock) || (lock.davit !== undefined && isDead(lock.davit, modifiedAt))) dead.push(key);
  await opened.storage.remove(dead);
  return dead.length;
}

function inUse({ storage }: Opened, { exclusive, hostname, pid, time }: LockFile): DavitError {
  return new DavitError({
    where: storage.location,
    what: 'the repository is in use by somebody else',
    seen: `${exclusive ? 'an exclusive' : 'a'} lock of process ${pid} on ${hostname}, fresh at ${time}`,
    fix: 'wait until that is done; if it died, `restic unlock` removes its lock, and Davit does so after half an hour',
  });
}
