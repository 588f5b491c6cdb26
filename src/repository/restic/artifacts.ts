import { DavitError } from '../../model/errors.ts';
import { type Artifact, artifactId, type StoredFile } from '../../model/snapshot.ts';
import type { BlobWriter, Tally } from './blob-writer.ts';
import type { Session } from './session.ts';
import { decodeTree, encodeTree, type Node } from './tree.ts';

/** A tree that holds nothing but this artifact: by its id, whoever commits finds the artifact, also in another process. */
export async function wrapArtifact(blobs: BlobWriter, node: Node, tally: Tally): Promise<StoredFile['stored']> {
  const sha256 = await blobs.save('tree', encodeTree([node]), tally);
  await blobs.settle();
  return { bytes: tally.bytes, sha256 };
}

export async function unwrapArtifact(session: Session, artifact: Artifact): Promise<Node> {
  const node = await unwrap(session, artifact);
  if (node === undefined) throw wrong(artifact, `${artifact.file} is missing`);
  requireDescribed(artifact, node);
  return node;
}

/** Undefined: there is no such thing. */
export async function unwrap(session: Session, { stored, file }: Pick<StoredFile, 'stored' | 'file'>): Promise<Node | undefined> {
  const [node, ...others] = session.index.has(stored.sha256) ? decodeTree(file, await session.blobs.read(stored.sha256)) : [];
  return others.length === 0 && node?.name.toString() === file.slice(file.lastIndexOf('/') + 1) ? node : undefined;
}

/** The artifact of a committed snapshot, found by its path like any other file. */
export async function findArtifact(session: Session, tree: string, artifact: Artifact, signal?: AbortSignal): Promise<Node> {
  const node = await findNode(session, tree, artifact.file, signal);
  if (node === undefined) throw wrong(artifact, `${artifact.file} is missing`);
  requireDescribed(artifact, node);
  return node;
}

export async function findNode(
  { blobs }: Pick<Session, 'blobs'>,
  tree: string,
  path: string,
  signal?: AbortSignal,
): Promise<Node | undefined> {
  const [first = '', ...rest] = path.split('/');
  const node = decodeTree(path, await blobs.read(tree, signal)).find(({ name }) => name.toString() === first);
  if (rest.length === 0 || node?.subtree === undefined) return rest.length === 0 ? node : undefined;
  return findNode({ blobs }, node.subtree, rest.join('/'), signal);
}

function requireDescribed(artifact: Artifact, { subtree, size = 0 }: Node): void {
  const { plain, file } = artifact;
  if (subtree !== undefined && subtree !== plain.sha256) throw wrong(artifact, `${file} is another tree`);
  if (subtree === undefined && size !== plain.bytes) throw wrong(artifact, `${file} has ${size} bytes instead of ${plain.bytes}`);
}

function wrong(artifact: Artifact, seen: string): DavitError {
  return new DavitError({
    where: artifactId(artifact),
    what: 'what is stored is not what was sent',
    seen,
    fix: 'check the storage, then run again',
  });
}
