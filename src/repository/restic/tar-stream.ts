import { lendWhole } from '../../model/chunk.ts';
import { AbsentPath, DavitError } from '../../model/errors.ts';
import { missingBlob } from './blob-reader.ts';
import { createCoalescer } from './coalesce.ts';
import { minChunkBytes } from './chunker.ts';
import { sealBytes, sha256 } from './crypto.ts';
import type { Session } from './session.ts';
import { endOfTar, padded, padding, tarHeader } from './tar-header.ts';
import { decodeTree, type Node } from './tree.ts';

/** A hole in a file is stored as zeros, and the chunker cuts zeros into pieces of its least size. */
const zeros = sha256(Buffer.alloc(minChunkBytes));

/** Links to one file must be this alike; the number alone may come again on another file system, and is not exact above 2^53. */
const linkKey = (node: Node): string => `${node.deviceId}:${node.inode}:${node.size}:${node.content?.join()}`;

interface Place {
  readonly node: Node;
  /** In the archive: `./folder/file`. */
  readonly at: Buffer;
}

const slash = Buffer.from('/');
/** The pack of what comes so much later is fetched meanwhile. */
const placesAhead = 64;

/** The tree as a tar stream, with everything a file has; every blob is what its id says. `path`: only this file or folder of it. */
export async function* tarOf(session: Session, root: Node, path: string | undefined, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const firstLinks = new Map<string, Buffer>();
  const segments = (path ?? '').split('/').filter((segment) => segment !== '' && segment !== '.');
  const isFolder = root.type === 'dir';
  const gathered = createCoalescer();

  async function childrenOf({ subtree, name }: Node): Promise<IteratorObject<Node>> {
    if (subtree === undefined) return [].values();
    return decodeTree(name.toString(), await session.blobs.read(subtree, signal));
  }

  /** A folder comes before what it holds. Of a large one only some things are held at a time. */
  async function* placesFrom(first: Place): AsyncGenerator<Place> {
    const open: Iterator<Place>[] = [[first].values()];
    for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
      const { done, value: place } = inner.next();
      if (done) {
        open.pop();
        continue;
      }
      yield place;
      const { node, at } = place;
      if (node.type === 'dir')
        open.push((await childrenOf(node)).map((below) => ({ node: below, at: Buffer.concat([at, slash, below.name]) })));
    }
  }

  /** What stands before the content of a thing, and after it. */
  function frameOf({ node, at }: Place): { before: Buffer[]; content: readonly string[]; after: number } {
    const none = { content: [], after: 0 };
    if (node.type === 'dir') return { ...none, before: [tarHeader({ node, path: Buffer.concat([at, slash]), size: 0 })] };
    if (node.type !== 'file') return { ...none, before: [tarHeader({ node, path: at, size: 0, target: node.linkTarget })] };
    if ((node.links ?? 1) > 1) {
      const key = linkKey(node);
      const first = firstLinks.get(key);
      if (first !== undefined) return { ...none, before: [tarHeader({ node, path: at, size: 0, target: first, isHardLink: true })] };
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
    const header = tarHeader({ node, path: at, size: map.length + data, ...(isSparse ? { records } : {}) });
    return { before: [header, map], content: isSparse ? content.filter((id) => id !== zeros) : content, after: data };
  }

  async function find(node: Node, at: Buffer, [first, ...rest]: readonly string[]): Promise<Place> {
    if (first === undefined) return { node, at };
    const below = (await childrenOf(node)).find(({ name }) => name.equals(Buffer.from(first)));
    if (below !== undefined) return find(below, Buffer.concat([at, slash, below.name]), rest);
    throw new AbsentPath({
      where: `path "${segments.join('/')}"`,
      what: 'is not in this artifact',
      fix: 'list what is: davit cat ID ARTIFACT | tar -t',
    });
  }

  async function* entry(place: Place): AsyncGenerator<Buffer> {
    signal?.throwIfAborted();
    const { before, content, after } = frameOf(place);
    for (const piece of before) yield* gathered.add(piece);
    for await (const bytes of session.blobs.readAll(content, signal)) yield* gathered.add(lendWhole(bytes));
    yield* gathered.add(padding(after));
  }

  const start = isFolder ? Buffer.from('.') : Buffer.concat([Buffer.from('./'), root.name]);
  const ahead: Place[] = [];
  for await (const place of placesFrom(await find(root, start, isFolder ? segments : []))) {
    const [later] = place.node.content ?? [];
    if (later !== undefined) session.blobs.expect(later);
    ahead.push(place);
    if (ahead.length > placesAhead) for (const due of ahead.splice(0, 1)) yield* entry(due);
  }
  for (const place of ahead) yield* entry(place);
  yield* gathered.add(endOfTar);
  yield* gathered.end();
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
