import { AbsentPath, DavitError } from '../../model/errors.ts';
import { missingBlob } from './blob-reader.ts';
import { minChunkBytes } from './chunker.ts';
import { sealBytes, sha256 } from './crypto.ts';
import type { Session } from './session.ts';
import { endOfTar, padded, padding, tarHeader } from './tar-header.ts';
import { decodeTree, type Node } from './tree.ts';

/** A hole in a file is stored as zeros, and the chunker cuts zeros into pieces of its least size. */
const zeros = sha256(Buffer.alloc(minChunkBytes));

/** Links to one file must be this alike; the number alone may come again on another file system, and is not exact above 2^53. */
const linkKey = (node: Node): string => `${node.deviceId}:${node.inode}:${node.size}:${node.content?.join()}`;

/** The tree as a tar stream, with everything a file has; every blob is what its id says. `path`: only this file or folder of it. */
export async function* tarOf(session: Session, root: Node, path: string | undefined, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const firstLinks = new Map<string, Buffer>();
  const segments = (path ?? '').split('/').filter((segment) => segment !== '' && segment !== '.');
  const isFolder = root.type === 'dir';

  async function* members(node: Node, at: Buffer): AsyncGenerator<Buffer> {
    signal?.throwIfAborted();
    if (node.type === 'dir') {
      yield tarHeader({ node, path: Buffer.concat([at, Buffer.from('/')]), size: 0 });
      for (const below of await childrenOf(node)) yield* members(below, Buffer.concat([at, Buffer.from('/'), below.name]));
    } else if (node.type === 'file') yield* file(node, at);
    else yield tarHeader({ node, path: at, size: 0, target: node.linkTarget });
  }

  async function childrenOf({ subtree, name }: Node): Promise<Node[]> {
    if (subtree === undefined) return [];
    return decodeTree(name.toString(), await session.blobs.read(subtree, signal));
  }

  async function* file(node: Node, at: Buffer): AsyncGenerator<Buffer> {
    if ((node.links ?? 1) > 1) {
      const key = linkKey(node);
      const first = firstLinks.get(key);
      if (first !== undefined) {
        yield tarHeader({ node, path: at, size: 0, target: first, isHardLink: true });
        return;
      }
      firstLinks.set(key, at);
    }
    const { content = [], size = 0 } = node;
    const { map, data, isSparse } = layout(session, content, size, at);
    const records = [
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.name', at],
      ['GNU.sparse.realsize', String(size)],
    ] as const;
    yield tarHeader({ node, path: at, size: map.length + data, ...(isSparse ? { records } : {}) });
    yield map;
    for (const id of content) if (!isSparse || id !== zeros) yield await session.blobs.read(id, signal);
    yield padding(data);
  }

  async function find(node: Node, at: Buffer, [first, ...rest]: readonly string[]): Promise<{ node: Node; at: Buffer }> {
    if (first === undefined) return { node, at };
    const below = (await childrenOf(node)).find(({ name }) => name.equals(Buffer.from(first)));
    if (below !== undefined) return find(below, Buffer.concat([at, Buffer.from('/'), below.name]), rest);
    throw new AbsentPath({
      where: `path "${segments.join('/')}"`,
      what: 'is not in this artifact',
      fix: 'list what is: davit cat ID ARTIFACT | tar -t',
    });
  }

  const start = isFolder ? Buffer.from('.') : Buffer.concat([Buffer.from('./'), root.name]);
  const { node, at } = await find(root, start, isFolder ? segments : []);
  yield* members(node, at);
  yield endOfTar;
}

/** Where a file has data, as GNU tar describes it before the data: how many stretches, then offset and length of each. */
function layout(session: Session, content: readonly string[], size: number, at: Buffer): { map: Buffer; data: number; isSparse: boolean } {
  const stretches: [offset: number, length: number][] = [];
  let offset = 0;
  let data = 0;
  for (const id of content) {
    const location = session.index.find(id);
    if (location === undefined) throw missingBlob(session, id);
    const length = location.plainLength || location.length - sealBytes;
    if (id !== zeros) {
      const last = stretches.at(-1);
      if (last !== undefined && last[0] + last[1] === offset) last[1] += length;
      else stretches.push([offset, length]);
      data += length;
    }
    offset += length;
  }
  if (offset !== size)
    throw new DavitError({ where: at.toString(), what: `has ${offset} bytes instead of ${size}`, fix: 'use another snapshot' });
  if (data === size) return { map: Buffer.alloc(0), data, isSparse: false };
  if (content.at(-1) === zeros) stretches.push([size, 0]);
  const lines = [stretches.length, ...stretches.flat()];
  return { map: padded(Buffer.from(lines.map((line) => `${line}\n`).join(''))), data, isSparse: true };
}
