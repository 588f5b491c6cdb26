import { aclText } from './acl.ts';
import { permissionsOf, type NodeType } from './file-mode.ts';
import type { Node } from './tree.ts';

const block = 512;
const kinds: Readonly<Record<NodeType | 'link', string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  chardev: '3',
  dev: '4',
  dir: '5',
  fifo: '6',
};
const [largestOctal8, largestOctal12, nameBytes] = [0o7777777, 0o77777777777, 100];
const aclNames = new Map([
  ['system.posix_acl_access', 'SCHILY.acl.access'],
  ['system.posix_acl_default', 'SCHILY.acl.default'],
]);

export interface Member {
  readonly node: Node;
  /** In the archive: `./folder/file`. */
  readonly path: Buffer;
  /** Of the archive's bytes that follow. */
  readonly size: number;
  /** Target of a symbolic link; with `isHardLink`, the member that this one is as well. */
  readonly target?: Buffer | undefined;
  readonly isHardLink?: boolean;
  /** Further records. */
  readonly records?: readonly (readonly [key: string, value: string | Buffer])[];
}

/** The headers of a member: what fits into 1988's one, and everything else before it as records. */
export function tarHeader({ node, path, size, target = Buffer.alloc(0), isHardLink = false, records = [] }: Member): Buffer {
  const extended: [string, string | Buffer][] = [['mtime', decimalTime(node.mtime)]];
  if (path.length > nameBytes) extended.push(['path', path]);
  if (target.length > nameBytes) extended.push(['linkpath', target]);
  if (size > largestOctal12) extended.push(['size', String(size)]);
  if (node.uid > largestOctal8) extended.push(['uid', String(node.uid)]);
  if (node.gid > largestOctal8) extended.push(['gid', String(node.gid)]);
  if (!isHardLink)
    for (const { name, value } of node.attributes ?? []) {
      const acl = aclNames.get(name);
      if (acl !== undefined) extended.push([acl, aclText(value)]);
      else extended.push([`SCHILY.xattr.${name.replaceAll('%', '%25').replaceAll('=', '%3D')}`, value]);
    }
  const body = Buffer.concat([...extended, ...records].map(([key, value]) => record(key, Buffer.from(value))));
  const major = Math.floor((node.device ?? 0) / 256) % 4096;
  const minor = ((node.device ?? 0) % 256) + Math.floor((node.device ?? 0) / 2 ** 20) * 256;
  return Buffer.concat([
    header({ path: Buffer.from('././@PaxHeader'), type: 'x', size: body.length }),
    padded(body),
    header({
      path,
      target,
      size,
      type: kinds[isHardLink ? 'link' : node.type],
      mode: permissionsOf(node.mode),
      uid: node.uid,
      gid: node.gid,
      mtime: Number(node.mtime / 1_000_000_000n),
      device: { major, minor },
    }),
  ]);
}

/** Zeros up to the next block. */
export function padding(bytes: number): Buffer {
  return Buffer.alloc((block - (bytes % block)) % block);
}

export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, padding(bytes.length)]);
}

export const endOfTar = Buffer.alloc(2 * block);

interface Fields {
  readonly path: Buffer;
  readonly target?: Buffer;
  readonly type: string;
  readonly size: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly device?: { readonly major: number; readonly minor: number };
}

function header({ path, target = Buffer.alloc(0), type, size, mode = 0o600, uid = 0, gid = 0, mtime = 0, device }: Fields): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number): void => {
    const isFitting = value >= 0 && value < 8 ** (length - 1);
    bytes.write((isFitting ? value : 0).toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  path.copy(bytes, 0, 0, nameBytes);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  bytes.write(`        ${type}`, 148, 'latin1');
  target.copy(bytes, 157, 0, nameBytes);
  bytes.write('ustar\x0000', 257, 'latin1');
  if (device !== undefined) {
    octal(device.major, 329, 8);
    octal(device.minor, 337, 8);
  }
  let sum = 0;
  for (let at = 0; at < block; at++) sum += bytes[at] as number;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function decimalTime(nanoseconds: bigint): string {
  const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  return `${nanoseconds < 0n ? '-' : ''}${absolute / 1_000_000_000n}.${(absolute % 1_000_000_000n).toString().padStart(9, '0')}`;
}
