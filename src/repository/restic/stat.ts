import type { BigIntStats } from 'node:fs';
import type { Accounts } from './accounts.ts';
import { toGoMode, typeOfMode } from './file-mode.ts';
import type { Attribute, Node } from './tree.ts';

/** The clock of files stands still for as long as a tick of the kernel, and two of them may be in question. */
const clockStepNs = 100_000_000n;

/**
 * Then nothing of it has changed, be it content or attributes: who changes a thing cannot set the time of the change of its inode. One that changed while
 * the earlier snapshot was taken may have changed again within the same step of the clock, after it was read.
 */
export function isUntouched(now: Pick<BigIntStats, 'ctimeNs' | 'ino'>, before: Node, earlierStartedAt: bigint): boolean {
  return now.ctimeNs < earlierStartedAt - clockStepNs && now.ctimeNs === before.ctime && Number(now.ino) === Number(before.inode);
}

/** Then an untouched thing has the content of before. */
export function isSameFile(now: Node, before: Node): boolean {
  return before.type === 'file' && now.size === (before.size ?? 0) && now.mtime === before.mtime;
}

/** Then a tree with the one is a tree with the other. What has attributes or a target is not compared: there is little of it. */
export function isSameNode(now: Node, before: Node | undefined): boolean {
  return (
    before !== undefined &&
    now.type === before.type &&
    (now.type === 'file' || now.type === 'dir') &&
    now.attributes === undefined &&
    before.attributes === undefined &&
    now.content === before.content &&
    now.subtree === before.subtree &&
    now.mode === before.mode &&
    now.mtime === before.mtime &&
    now.atime === before.atime &&
    now.ctime === before.ctime &&
    now.uid === before.uid &&
    now.gid === before.gid &&
    now.user === before.user &&
    now.group === before.group &&
    now.inode === before.inode &&
    now.deviceId === before.deviceId &&
    (now.size ?? 0) === (before.size ?? 0) &&
    (now.links ?? 0) === (before.links ?? 0)
  );
}

/** What the file system says of a thing; undefined: a socket, which is nothing without its process. */
export function describe(
  name: Buffer,
  stats: BigIntStats,
  accounts: Accounts,
  attributes: readonly Attribute[] | undefined,
): Node | undefined {
  const mode = Number(stats.mode);
  const type = typeOfMode(mode);
  if (type === undefined) return undefined;
  const [uid, gid] = [Number(stats.uid), Number(stats.gid)];
  return {
    name,
    type,
    mode: toGoMode(mode),
    mtime: stats.mtimeNs,
    // The time of the last reading changes by reading: it would make every tree a new one.
    atime: stats.mtimeNs,
    ctime: stats.ctimeNs,
    uid,
    gid,
    user: accounts.user(uid),
    group: accounts.group(gid),
    inode: stats.ino,
    deviceId: stats.dev,
    links: type === 'fifo' ? undefined : Number(stats.nlink),
    size: type === 'file' ? Number(stats.size) : undefined,
    device: type === 'dev' || type === 'chardev' ? Number(stats.rdev) : undefined,
    content: type === 'file' ? [] : undefined,
    attributes,
  };
}
