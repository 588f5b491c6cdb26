import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Context } from '../context.ts';
import { snapshotId } from '../model/snapshot.ts';
import type { Stack } from './discover.ts';
import { requireMount, storageFolders } from './storage-folders.ts';
import { writerMark } from './writer-mark.ts';

const trialBytes = 65_536;

/** Stores an artifact of no snapshot, through all codecs, and takes it away again. Whatever stays is what the next run removes as half-made. */
export async function tryStorage(
  { repository, environment, now, signal }: Context,
  stack: Stack,
  storage: string | undefined,
): Promise<void> {
  for (const folder of storageFolders(environment)) requireMount(stack.own, folder);
  const id = snapshotId(now(), `${writerMark(stack.own)}00`);
  const writer = await repository.begin({ stack: stack.name, set: 'doctor', id, ...(storage === undefined ? {} : { storage }) });
  try {
    await writer.put({ service: 'davit', name: 'trial', extension: 'bin' }, Readable.from([randomBytes(trialBytes)]), signal);
  } finally {
    await writer.abort();
  }
}

/** Creates a container of Davit's own image, as a worker is one, and removes it: a socket proxy may forbid either. */
export async function tryWorker({ docker }: Context, stack: Stack): Promise<void> {
  const name = `davit-trial-${stack.name}-${randomBytes(4).toString('hex')}`;
  await docker.remove(await docker.note(name, stack.own.imageId, {}));
}
