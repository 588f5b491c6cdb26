import pLimit from 'p-limit';
import { factOf } from '../../model/errors.ts';
import { choose, type Depth } from '../../model/share.ts';
import { artifactId, type Manifest } from '../../model/snapshot.ts';
import type { Flaw } from '../repository.ts';
import { findArtifact } from './artifacts.ts';
import { missingBlob, openBlob } from './blob-reader.ts';
import { sha256 } from './crypto.ts';
import { getWhole } from './objects.ts';
import { packKey, readHeader } from './pack.ts';
import type { Session } from './session.ts';
import { decodeTree, type Node } from './tree.ts';

const parallelReads = 2;

/** What is wrong, by the id of a blob or of a pack. */
type Problems = Map<string, string>;

interface Found {
  readonly snapshot: string;
  readonly artifact: string;
  readonly node: Node;
}

/**
 * Whether every tree can be read, and every blob lies in a pack of the right size; of the packs that `depth` chooses, whether they hold what they must. Each
 * tree and each pack is read once, however many snapshots need it; only where something is wrong, they are gone through again, to tell whom it harms.
 */
export async function checkSnapshots(
  session: Session,
  trees: ReadonlyMap<Manifest, string | undefined>,
  depth: Depth,
  signal?: AbortSignal,
): Promise<Flaw[]> {
  const lost = await session.takeStock();
  const { found, flaws } = await findArtifacts(session, trees, signal);
  const problems: Problems = new Map();
  const needs = new Map<string, Set<string>>();
  const seen = new Set<string>();
  const need = (id: string): void => {
    const pack = session.index.find(id)?.pack;
    if (pack === undefined) problems.set(id, missingBlob(session, id).message);
    else if (!session.index.has(id)) problems.set(id, `${packKey(pack)} ${lost.get(pack) ?? 'is missing'}`);
    else needs.set(pack, (needs.get(pack) ?? new Set()).add(id));
  };
  for (const { node } of found) await survey(session, node, problems, seen, need, signal);
  const limit = pLimit(parallelReads);
  await Promise.all(
    choose(depth, [...needs.keys()]).map((pack) => limit(() => checkPack(session, pack, needs.get(pack) ?? [], problems, signal))),
  );
  if (problems.size > 0)
    for (const { node, snapshot, artifact } of found)
      for (const problem of await problemsOf(session, node, problems, signal)) flaws.push({ snapshot, artifact, problem });
  return flaws;
}

async function findArtifacts(session: Session, trees: ReadonlyMap<Manifest, string | undefined>, signal?: AbortSignal) {
  const found: Found[] = [];
  const flaws: Flaw[] = [];
  for (const [manifest, tree] of trees) {
    for (const one of manifest.artifacts) {
      const [snapshot, artifact] = [manifest.id, artifactId(one)];
      try {
        if (tree === undefined) flaws.push({ snapshot, artifact, problem: 'its snapshot is missing' });
        else found.push({ snapshot, artifact, node: await findArtifact(session, tree, one, signal) });
      } catch (error) {
        signal?.throwIfAborted();
        flaws.push({ snapshot, artifact, problem: factOf(error) });
      }
    }
  }
  return { found, flaws };
}

/** Sees every blob of a thing, and below each tree once. One that cannot be read is a problem like any other. */
async function survey(
  session: Session,
  { content = [], subtree }: Node,
  problems: Problems,
  seen: Set<string>,
  see: (id: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  content.forEach(see);
  if (subtree === undefined || seen.has(subtree)) return;
  seen.add(subtree);
  see(subtree);
  if (problems.has(subtree)) return;
  try {
    signal?.throwIfAborted();
    const nodes = decodeTree(`tree ${subtree.slice(0, 12)}`, await session.blobs.read(subtree, signal));
    for (const node of nodes)
      if (node.subtree === undefined) node.content?.forEach(see);
      else await survey(session, node, problems, seen, see, signal);
  } catch (error) {
    signal?.throwIfAborted();
    problems.set(subtree, factOf(error));
  }
}

/** The pack is what it was called by, its header tells what the index tells, and each blob is what its id says. */
async function checkPack(session: Session, pack: string, blobs: Iterable<string>, problems: Problems, signal?: AbortSignal): Promise<void> {
  const where = packKey(pack);
  try {
    signal?.throwIfAborted();
    const bytes = await getWhole(session.storage, where, signal);
    const told = new Map(readHeader(session.seal, pack, bytes)?.map((blob) => [blob.id, blob]));
    let isHarmed = false;
    for (const id of blobs) {
      const location = session.index.find(id);
      if (location === undefined) continue;
      const { offset, length } = told.get(id) ?? {};
      try {
        openBlob(session, location, bytes);
        if (offset !== location.offset || length !== location.length)
          problems.set(id, `${where}: its header does not tell of blob ${id.slice(0, 12)} what the index tells`);
      } catch (error) {
        problems.set(id, factOf(error));
      }
      isHarmed ||= problems.has(id);
    }
    if (!isHarmed && sha256(bytes) !== pack) problems.set(pack, `${where} holds other bytes than were stored`);
  } catch (error) {
    signal?.throwIfAborted();
    problems.set(pack, factOf(error));
  }
}

async function problemsOf(session: Session, node: Node, problems: Problems, signal?: AbortSignal): Promise<Set<string>> {
  const own = new Set<string>();
  const see = (id: string): void => {
    const problem = problems.get(id) ?? problems.get(session.index.find(id)?.pack ?? '');
    if (problem !== undefined) own.add(problem);
  };
  await survey(session, node, problems, new Set(), see, signal);
  return own;
}
