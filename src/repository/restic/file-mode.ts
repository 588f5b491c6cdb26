import { constants } from 'node:fs';

/** The kinds of things that a tree can hold; sockets are nothing without their process. */
export type NodeType = 'file' | 'dir' | 'symlink' | 'dev' | 'chardev' | 'fifo';

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFBLK, S_IFCHR, S_IFIFO } = constants;

/** Unix writes the kind and the special bits of a mode in other places than Go, whose os.FileMode is what restic stores. */
const kinds: readonly { readonly type: NodeType; readonly unix: number; readonly go: number }[] = [
  { type: 'file', unix: S_IFREG, go: 0 },
  { type: 'dir', unix: S_IFDIR, go: 2 ** 31 },
  { type: 'symlink', unix: S_IFLNK, go: 2 ** 27 },
  { type: 'dev', unix: S_IFBLK, go: 2 ** 26 },
  { type: 'chardev', unix: S_IFCHR, go: 2 ** 26 + 2 ** 21 },
  { type: 'fifo', unix: S_IFIFO, go: 2 ** 25 },
];
const special = [
  { unix: 0o4000, go: 2 ** 23 },
  { unix: 0o2000, go: 2 ** 22 },
  { unix: 0o1000, go: 2 ** 20 },
];

export function typeOfMode(unix: number): NodeType | undefined {
  return kinds.find((kind) => kind.unix === (unix & S_IFMT))?.type;
}

export function toGoMode(unix: number): number {
  const kind = kinds.find((kind) => kind.unix === (unix & S_IFMT))?.go ?? 0;
  return special.reduce((sum, bit) => sum + ((unix & bit.unix) === 0 ? 0 : bit.go), kind + (unix & 0o777));
}

/** Permissions and special bits, without the kind. */
export function permissionsOf(go: number): number {
  return special.reduce((sum, bit) => sum | (Math.floor(go / bit.go) % 2 === 1 ? bit.unix : 0), go & 0o777);
}
