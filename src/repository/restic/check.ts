import pLimit from 'p-limit';
import { messageOf } from '../../model/errors.ts';
import { artifactId, type Manifest } from '../../model/snapshot.ts';
import type { Flaw } from '../repository.ts';
import { findArtifact } from './artifacts.ts';
import type { BlobLocation } from './blob.ts';
import { missingBlob, openBlob } from './blob-reader.ts';
import { getWhole, idOf } from './objects.ts';
import { packKey } from './pack.ts';
import type { Session } from './session.ts';
import { blobsOf } from './walk.ts';

const parallelReads = 2;

/** What the artifacts of a snapshot need, by pack, and who needs it. */
type Needs = Map<string, Map<string, { readonly location: BlobLocation; readonly artifacts: Set<string> }>>;

/** Whether every blob is there, in a pack of the right size; with `bytes`, every one is read, and each pack once. */
export async function checkSnapshot(
  session: Session,
  manifest: Manifest,
  tree: string,
  depth: 'sizes' | 'bytes',
  signal?: AbortSignal,
): Promise<Flaw[]> {
  const { needs, flaws } = await needsOf(session, manifest, tree, signal);
  const bytesOf = new Map<string, number>();
  for await (const { key, bytes } of session.storage.list('data')) bytesOf.set(idOf(key), bytes);
  const limit = pLimit(parallelReads);
  const found = await Promise.all(
    [...needs].map(([pack, blobs]) =>
      limit(async () => {
        signal?.throwIfAborted();
        const wanted = session.index.packBytes(pack);
        const bytes = bytesOf.get(pack);
        const problem = bytes === undefined ? 'is missing' : bytes === wanted ? undefined : `has ${bytes} bytes instead of ${wanted}`;
        const needy = new Set([...blobs.values()].flatMap(({ artifacts }) => [...artifacts]));
        if (problem !== undefined) return [...needy].map((artifact) => ({ artifact, problem: `${packKey(pack)} ${problem}` }));
        return depth === 'sizes' ? [] : checkPack(session, pack, blobs, signal);
      }),
    ),
  );
  return [...flaws, ...found.flat()];
}

async function needsOf(session: Session, manifest: Manifest, tree: string, signal?: AbortSignal): Promise<{ needs: Needs; flaws: Flaw[] }> {
  const needs: Needs = new Map();
  const flaws: Flaw[] = [];
  for (const artifact of manifest.artifacts) {
    const name = artifactId(artifact);
    const seen = new Set<string>();
    try {
      const node = await findArtifact(session, tree, artifact, signal);
      const isNew = (one: string): boolean => !seen.has(one) && seen.add(one) !== undefined;
      for await (const { id } of blobsOf(session, node, isNew, signal)) {
        const location = session.index.find(id);
        if (location === undefined) throw missingBlob(session, id);
        const blobs = needs.get(location.pack) ?? new Map<string, { location: BlobLocation; artifacts: Set<string> }>();
        needs.set(location.pack, blobs);
        const need = blobs.get(id) ?? { location, artifacts: new Set<string>() };
        blobs.set(id, need);
        need.artifacts.add(name);
      }
    } catch (error) {
      signal?.throwIfAborted();
      flaws.push({ artifact: name, problem: messageOf(error) });
    }
  }
  return { needs, flaws };
}

async function checkPack(
  session: Session,
  pack: string,
  blobs: ReadonlyMap<string, { readonly location: BlobLocation; readonly artifacts: ReadonlySet<string> }>,
  signal?: AbortSignal,
): Promise<Flaw[]> {
  const problems = new Map<string, string>();
  try {
    const bytes = await getWhole(session.storage, packKey(pack), signal);
    for (const { location, artifacts } of blobs.values()) {
      try {
        openBlob(session, location, bytes);
      } catch (error) {
        for (const artifact of artifacts) problems.set(artifact, messageOf(error));
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    for (const { artifacts } of blobs.values()) for (const artifact of artifacts) problems.set(artifact, messageOf(error));
  }
  return [...problems].map(([artifact, problem]) => ({ artifact, problem }));
}
