import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { findNode } from './artifacts.ts';
import type { Earlier } from './capture.ts';
import type { Session } from './session.ts';
import type { Snapshot } from './snapshots.ts';
import { decodeTree, type Node } from './tree.ts';

/** So far below what restic was told to store: of the folder of all volumes, `<name>/_data` is one of them. */
const depth = 2;
const snapshotsTried = 8;

/** A folder of which only what is in it matters. */
const nothing: Node = { name: Buffer.alloc(0), type: 'dir', mode: 0, mtime: 0n, atime: 0n, ctime: 0n, uid: 0, gid: 0 };

/**
 * The same folder in a snapshot of restic's own, so that the first run in a repository that restic has filled need not read everything again. Its path was
 * another one: it is known by something in it that has the same name and inode. Should that mislead, no file will look unchanged.
 */
export async function findForeign(session: Session, snapshots: readonly Snapshot[], root: string): Promise<Earlier | undefined> {
  const foreign = snapshots.filter(({ manifest, paths }) => manifest === undefined && paths.length > 0);
  const newest = new Map(foreign.toSorted((a, b) => (a.time < b.time ? -1 : 1)).map((one) => [one.paths.join('\n'), one] as const));
  for (const snapshot of [...newest.values()].toReversed().slice(0, snapshotsTried)) {
    // It only saves time: where it cannot be read, everything is read again.
    const subtree = await searchSnapshot(session, snapshot, root).catch(() => undefined);
    if (subtree !== undefined) return { node: { ...nothing, subtree }, startedAt: snapshot.time };
  }
  return undefined;
}

async function searchSnapshot(session: Session, { tree, paths }: Snapshot, root: string): Promise<string | undefined> {
  for (const path of paths) {
    // What was stored as `.` has no folder above it.
    const subtree = (await findNode(session, tree, path.slice(1)))?.subtree ?? tree;
    const found = await search(session, subtree, root, depth);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function search(session: Session, tree: string, root: string, levels: number): Promise<string | undefined> {
  const bytes = await session.blobs.read(tree);
  const nodes = () => decodeTree(`tree ${tree.slice(0, 12)}`, bytes);
  if (nodes().some((node) => isIn(root, node))) return tree;
  for (const { subtree } of levels === 0 ? [] : nodes()) {
    const found = subtree === undefined ? undefined : await search(session, subtree, root, levels - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isIn(root: string, { name, inode }: Node): boolean {
  const stats = lstatSync(join(root, name.toString()), { bigint: true, throwIfNoEntry: false });
  return stats !== undefined && stats.ino === inode;
}
