import type { BlobType } from './blob.ts';
import type { Session } from './session.ts';
import { decodeTree, type Node } from './tree.ts';

interface FoundBlob {
  readonly id: string;
  readonly type: BlobType;
}

/** Every blob below a tree. A tree for which `enter` says no is passed over with all that it holds. */
export async function* blobsBelow(
  session: Session,
  tree: string,
  enter: (tree: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<FoundBlob> {
  if (!enter(tree)) return;
  signal?.throwIfAborted();
  yield { id: tree, type: 'tree' };
  const nodes = decodeTree(`tree ${tree.slice(0, 12)}`, await session.blobs.read(tree, signal));
  for (const node of nodes) yield* blobsOf(session, node, enter, signal);
}

/** Every blob of one thing: of a file its content, of a folder everything below it. */
export async function* blobsOf(
  session: Session,
  { content = [], subtree }: Node,
  enter: (tree: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<FoundBlob> {
  for (const id of content) yield { id, type: 'data' };
  if (subtree !== undefined) yield* blobsBelow(session, subtree, enter, signal);
}
