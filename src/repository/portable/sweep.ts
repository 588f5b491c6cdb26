import type { Storage, StoredObject } from '../../storage/storage.ts';
import { addressOf, manifestName } from './layout.ts';

/**
 * Files of snapshots that were never committed. A snapshot's age is that of its newest file: a run that still writes looks young.
 * What does not follow the layout belongs to somebody else and stays.
 */
export async function sweepStack(storage: Storage, prefix: string, isDead: (id: string, startedAt: Date) => boolean): Promise<number> {
  const snapshots = new Map<string, { id: string; isCommitted: boolean; objects: StoredObject[] }>();
  for await (const object of storage.list(prefix)) {
    const address = addressOf(object.key);
    if (!address) continue;
    const name = `${address.set}/${address.id}`;
    const snapshot = snapshots.get(name) ?? { id: address.id, isCommitted: false, objects: [] };
    snapshots.set(name, snapshot);
    snapshot.objects.push(object);
    snapshot.isCommitted ||= address.file === manifestName;
  }
  const dead = [...snapshots.values()].filter(({ id, isCommitted, objects }) => {
    const newestMs = Math.max(...objects.map(({ modifiedAt }) => modifiedAt.getTime()));
    return !isCommitted && isDead(id, new Date(newestMs));
  });
  const keys = dead.flatMap(({ objects }) => objects.map(({ key }) => key));
  await storage.remove(keys);
  const halfMade = await storage.sweep(prefix, (key, startedAt) => {
    const address = addressOf(key);
    return address !== undefined && isDead(address.id, startedAt);
  });
  return keys.length + halfMade;
}
