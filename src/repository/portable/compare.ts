import pLimit from 'p-limit';
import { messageOf } from '../../model/errors.ts';
import { artifactId, type Artifact, type Manifest } from '../../model/snapshot.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Flaw } from '../repository.ts';
import { digestOf } from './flow.ts';
import { snapshotPrefix } from './layout.ts';

const parallelReads = 2;

/** Presence and size of every file of a manifest, with one listing. */
export async function compareSizes(storage: Storage, manifest: Manifest): Promise<Flaw[]> {
  const prefix = snapshotPrefix(manifest);
  const bytesOf = new Map<string, number>();
  for await (const { key, bytes } of storage.list(prefix)) bytesOf.set(key, bytes);
  return manifest.artifacts.flatMap((artifact) => {
    const bytes = bytesOf.get(`${prefix}/${artifact.file}`);
    if (bytes === artifact.stored.bytes) return [];
    const problem = bytes === undefined ? 'is missing' : `has ${bytes} bytes instead of ${artifact.stored.bytes}`;
    return [{ artifact: artifactId(artifact), problem: `${artifact.file} ${problem}` }];
  });
}

/** Every byte of these artifacts, each read once. */
export async function compareBytes(
  storage: Storage,
  manifest: Manifest,
  artifacts: readonly Artifact[],
  signal?: AbortSignal,
): Promise<Flaw[]> {
  const limit = pLimit(parallelReads);
  const flaws = await Promise.all(artifacts.map((artifact) => limit(() => compareOne(storage, manifest, artifact, signal))));
  return flaws.flat();
}

async function compareOne(storage: Storage, manifest: Manifest, artifact: Artifact, signal?: AbortSignal): Promise<Flaw[]> {
  signal?.throwIfAborted();
  const flaw = (problem: string) => [{ artifact: artifactId(artifact), problem: `${artifact.file} ${problem}` }];
  try {
    const { bytes, sha256 } = await digestOf(storage, `${snapshotPrefix(manifest)}/${artifact.file}`, signal);
    if (bytes !== artifact.stored.bytes) return flaw(`has ${bytes} bytes instead of ${artifact.stored.bytes}`);
    return sha256 === artifact.stored.sha256 ? [] : flaw('holds other bytes than were stored');
  } catch (error) {
    signal?.throwIfAborted();
    return flaw(`cannot be read: ${messageOf(error)}`);
  }
}
