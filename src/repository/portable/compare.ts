import pLimit from 'p-limit';
import { messageOf } from '../../model/errors.ts';
import { choose, type Depth } from '../../model/share.ts';
import { artifactId, type Artifact, type Manifest } from '../../model/snapshot.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Flaw } from '../repository.ts';
import { digestOf } from './flow.ts';
import { snapshotPrefix } from './layout.ts';

const parallelReads = 2;

/** Sizes first: what is missing or too short needs no reading. */
export async function compare(storage: Storage, manifests: readonly Manifest[], depth: Depth, signal?: AbortSignal): Promise<Flaw[]> {
  const hashes = manifests.flatMap(({ artifacts }) => artifacts.map(({ stored }) => stored.sha256));
  const chosen = new Set(choose(depth, hashes));
  const flaws: Flaw[] = [];
  for (const manifest of manifests) {
    const wrong = await compareSizes(storage, manifest);
    const known = new Set(wrong.map(({ artifact }) => artifact));
    const unread = manifest.artifacts.filter((artifact) => chosen.has(artifact.stored.sha256) && !known.has(artifactId(artifact)));
    flaws.push(...wrong, ...(await compareBytes(storage, manifest, unread, signal)));
  }
  return flaws;
}

/** Presence and size of every file of a manifest, with one listing. */
export async function compareSizes(storage: Storage, manifest: Manifest): Promise<Flaw[]> {
  const prefix = snapshotPrefix(manifest);
  const bytesOf = new Map<string, number>();
  for await (const { key, bytes } of storage.list(prefix)) bytesOf.set(key, bytes);
  return manifest.artifacts.flatMap((artifact) => {
    const bytes = bytesOf.get(`${prefix}/${artifact.file}`);
    if (bytes === artifact.stored.bytes) return [];
    const problem = bytes === undefined ? 'is missing' : `has ${bytes} bytes instead of ${artifact.stored.bytes}`;
    return [{ snapshot: manifest.id, artifact: artifactId(artifact), problem: `${artifact.file} ${problem}` }];
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
  const flaw = (problem: string) => [{ snapshot: manifest.id, artifact: artifactId(artifact), problem: `${artifact.file} ${problem}` }];
  try {
    const { bytes, sha256 } = await digestOf(storage, `${snapshotPrefix(manifest)}/${artifact.file}`, signal);
    if (bytes !== artifact.stored.bytes) return flaw(`has ${bytes} bytes instead of ${artifact.stored.bytes}`);
    return sha256 === artifact.stored.sha256 ? [] : flaw('holds other bytes than were stored');
  } catch (error) {
    signal?.throwIfAborted();
    return flaw(`cannot be read: ${messageOf(error)}`);
  }
}
