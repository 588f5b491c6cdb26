import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { DavitError, messageOf } from '../../model/errors.ts';
import { getIfThere, idOf, listFiles, openJson, putJson } from './objects.ts';
import type { Opened } from './open.ts';

const lockFolder = 'locks';
/** Restic's own times. */
const [settleMs, refreshMs, staleMs] = [200, 300_000, 1_800_000];
const retryMs = 5_000;

const lockSchema = z.object({
  exclusive: z.boolean().default(false),
  hostname: z.string().default(''),
  pid: z.number().default(0),
  /** The snapshot that Davit writes meanwhile; others leave it out. */
  davit: z.string().optional(),
});
type LockFile = z.infer<typeof lockSchema>;

interface FoundLock {
  readonly key: string;
  /** By the storage's clock. Whoever lives puts a new one every few minutes. */
  readonly modifiedAt: Date;
  /** Undefined: it cannot be read, so nobody knows whose it is. */
  readonly lock: LockFile | undefined;
}

export interface Lock extends AsyncDisposable {
  /** Aborted when the lock could not be kept fresh: others may take it for dead. */
  readonly lost: AbortSignal;
}

/** Many may write at a time; who removes must be alone. Waits for others up to `patienceMs`. */
export async function takeLock(
  opened: Opened,
  exclusive: boolean,
  davit: string,
  { patienceMs = 600_000, signal }: { patienceMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<Lock> {
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
    await wait(Math.min(retryMs, patienceMs) * (0.5 + Math.random()), undefined, { signal }).catch(() => signal?.throwIfAborted());
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

async function* readLocks({ storage, seal }: Opened): AsyncGenerator<FoundLock> {
  for await (const { key, modifiedAt } of listFiles(storage, lockFolder)) {
    const sealed = await getIfThere(storage, key);
    if (sealed !== undefined) yield { key, modifiedAt, lock: lockOf(() => openJson(storage, seal, key, sealed)) };
  }
}

function lockOf(open: () => unknown): LockFile | undefined {
  try {
    return lockSchema.parse(open());
  } catch {
    return undefined;
  }
}

/**
 * A lock that has not been refreshed for half an hour is dead. Clocks of machines differ: only the storage's own counts, and what time that shows is known from
 * the lock that was just put there. The number of its process tells nothing, since that may run in another container, or beside all of them.
 */
async function findConflict(opened: Opened, exclusive: boolean, own?: string): Promise<FoundLock | undefined> {
  const locks = await Array.fromAsync(readLocks(opened));
  const mine = locks.find(({ key }) => idOf(key) === own);
  const now = mine?.modifiedAt.getTime() ?? Date.now();
  const isDead = ({ modifiedAt }: FoundLock): boolean => now - modifiedAt.getTime() > staleMs;
  if (mine !== undefined) await opened.storage.remove(locks.filter(isDead).map(({ key }) => key));
  return locks.find((one) => one !== mine && !isDead(one) && (exclusive || (one.lock?.exclusive ?? true)));
}

/** Removes the locks of runs that are dead, by the id of what they were writing. */
export async function removeDeadLocks(opened: Opened, isDead: (id: string, startedAt: Date) => boolean): Promise<number> {
  const dead: string[] = [];
  for await (const { key, modifiedAt, lock } of readLocks(opened))
    if (lock?.davit !== undefined && isDead(lock.davit, modifiedAt)) dead.push(key);
  await opened.storage.remove(dead);
  return dead.length;
}

function inUse({ storage }: Opened, { key, modifiedAt, lock }: FoundLock): DavitError {
  const whose = lock === undefined ? `${key}, which cannot be read` : `process ${lock.pid} on ${lock.hostname}`;
  return new DavitError({
    where: storage.location,
    what: 'the repository is in use by somebody else',
    seen: `${(lock?.exclusive ?? true) ? 'an exclusive' : 'a'} lock of ${whose}, fresh at ${modifiedAt.toISOString()}`,
    fix: 'wait until that is done; if it died, `restic unlock` removes its lock, and Davit does so after half an hour',
  });
}
