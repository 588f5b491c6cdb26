import { buffer } from 'node:stream/consumers';
import pLimit from 'p-limit';
import { newestFirst, parseManifest, type Manifest } from '../../model/snapshot.ts';
import { MissingObject, type Storage } from '../../storage/storage.ts';
import type { SnapshotAddress } from '../repository.ts';
import { addressOf, manifestName } from './layout.ts';

const parallelReads = 8;

/** Every manifest below a prefix, newest first. */
export async function readManifests(storage: Storage, prefix: string): Promise<{ manifests: Manifest[]; damaged: string[] }> {
  const limit = pLimit(parallelReads);
  const found: { key: string; address: SnapshotAddress }[] = [];
  for await (const { key } of storage.list(prefix)) {
    const address = addressOf(key);
    if (address?.file === manifestName) found.push({ key, address });
  }
  const results = await Promise.all(found.map(({ key, address }) => limit(() => readManifest(storage, key, address))));
  return {
    manifests: results.filter((result) => typeof result === 'object').toSorted(newestFirst),
    damaged: results.filter((result) => typeof result === 'string').toSorted(),
  };
}

/** A sentence instead of a manifest says what is wrong with it; undefined: it was removed while we listed. */
async function readManifest(storage: Storage, key: string, address: SnapshotAddress): Promise<Manifest | string | undefined> {
  try {
    const manifest = parse((await buffer(await storage.get(key))).toString());
    if (typeof manifest === 'string') return `${key}: ${manifest}`;
    const isAtHome = manifest.stack === address.stack && manifest.set === address.set && manifest.id === address.id;
    return isAtHome ? manifest : `${key}: describes ${manifest.stack}/${manifest.set}/${manifest.id}, not the place where it lies`;
  } catch (error) {
    if (error instanceof MissingObject) return undefined;
    throw error;
  }
}

function parse(text: string): Manifest | string {
  try {
    return parseManifest(JSON.parse(text));
  } catch {
    return 'is not JSON';
  }
}
