import { DavitError } from '../../model/errors.ts';
import { type Artifact, artifactId } from '../../model/snapshot.ts';
import type { Session } from './session.ts';
import { decodeTree, type Node } from './tree.ts';

/** The node of an artifact, from the tree that holds only it; undefined where that tree is another one. */
export async function nodeOf({ blobs }: Session, { stored, file }: Artifact, signal?: AbortSignal): Promise<Node | undefined> {
  const [node, ...others] = decodeTree(file, await blobs.read(stored.sha256, signal));
  return others.length === 0 && node?.name.toString() === file.slice(file.lastIndexOf('/') + 1) ? node : undefined;
}

/** The node of an artifact, if it is what the manifest says. */
export async function requireNode(session: Session, artifact: Artifact, signal?: AbortSignal): Promise<Node> {
  const { stored, plain, file } = artifact;
  const node = session.index.has(stored.sha256) ? await nodeOf(session, artifact, signal) : undefined;
  if (node === undefined) throw wrong(artifact, `${file} is missing`);
  if (node.subtree !== undefined && node.subtree !== plain.sha256) throw wrong(artifact, `${file} is another tree`);
  if (node.subtree === undefined && node.size !== plain.bytes)
    throw wrong(artifact, `${file} has ${node.size} bytes instead of ${plain.bytes}`);
  return node;
}

function wrong(artifact: Artifact, seen: string): DavitError {
  return new DavitError({
    where: artifactId(artifact),
    what: 'what is stored is not what was sent',
    seen,
    fix: 'check the storage, then run again',
  });
}
