import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DavitError, messageOf } from '../../model/errors.ts';
import type { Tree } from '../repository.ts';
import { readAccounts } from './accounts.ts';
import { keptAttributes, readAttributes } from './attributes.ts';
import type { BlobWriter, Tally } from './blob-writer.ts';
import { type Chunker, minChunkBytes } from './chunker.ts';
import { createFinder } from './finder.ts';
import { apart } from './memory.ts';
import type { Session } from './session.ts';
import { describe, isSameFile, isSameNode, isUntouched } from './stat.ts';
import { type Attribute, createTreeEncoder, decodeTree, type Node } from './tree.ts';

const slash = Buffer.from('/');
const pieceBytes = 1024 * 1024;
/** The files are read without waiting, since that is faster; so often everything else gets its turn. */
const turnMs = 10;
const shownWarnings = 100;

export interface Captured {
  readonly node: Node;
  /** The sum of all files. */
  readonly bytes: number;
  readonly warnings: string[];
}

/** The same tree in an earlier snapshot, and when that began, in nanoseconds. */
export interface Earlier {
  readonly node: Node;
  readonly startedAt: bigint;
}

/** A tree of files as one node. What is as it was in the earlier snapshot is not read again. */
export async function captureTree(
  session: Session,
  blobs: BlobWriter,
  { root, exclude, file }: Tree,
  name: string,
  earlier: Earlier | undefined,
  tally: Tally,
  signal: AbortSignal,
): Promise<Captured> {
  return session.withChunker(async (chunker) => {
    const capture = createCapture(
      session,
      blobs,
      chunker,
      () => readAttributes(root, signal),
      new Set(exclude.map((path) => latin1(`${root}/${path}`))),
      earlier?.startedAt ?? 0n,
      tally,
      signal,
    );
    const node = await capture.thing(Buffer.from(root), Buffer.from(file ?? name), earlier?.node, true);
    if (node === undefined) throw new DavitError({ where: root, what: 'cannot be stored', seen: 'it is a socket' });
    return { node: { ...node, name: Buffer.from(name) }, bytes: capture.bytes(), warnings: capture.warnings() };
  });
}

function latin1(path: string): string {
  return Buffer.from(path).toString('latin1');
}

function createCapture(
  session: Session,
  blobs: BlobWriter,
  chunker: Chunker,
  readAll: () => Promise<ReadonlyMap<string, Attribute[]>>,
  exclude: ReadonlySet<string>,
  earlierStartedAt: bigint,
  tally: Tally,
  signal: AbortSignal,
) {
  const accounts = readAccounts();
  const warnings: string[] = [];
  /** Of all things at once, when the first one is not as it was: a program tells them. */
  let attributes: ReadonlyMap<string, Attribute[]> | undefined;
  let [bytes, count, turnAt] = [0, 0, performance.now()];
  /** For whatever is read, piece after piece: everybody copies it. */
  const shared = Buffer.allocUnsafeSlow(pieceBytes);

  function warn(path: Buffer, what: string): void {
    if (++count <= shownWarnings) warnings.push(`${path.toString()}: ${what}`);
  }

  async function takeTurn(): Promise<void> {
    if (performance.now() - turnAt < turnMs) return;
    await nextTurn();
    signal.throwIfAborted();
    turnAt = performance.now();
  }

  async function thing(path: Buffer, name: Buffer, before: Node | undefined, isRoot = false): Promise<Node | undefined> {
    await takeTurn();
    try {
      const stats = lstatSync(path, { bigint: true });
      const same = before !== undefined && isUntouched(stats, before, earlierStartedAt) ? before : undefined;
      if (same === undefined) attributes ??= await readAll();
      const own = same === undefined ? attributes?.get(path.toString('latin1')) : keptAttributes(same.attributes);
      const node = describe(name, stats, accounts, own);
      if (node === undefined) return undefined;
      if (node.type === 'dir') return await folder(path, node, before);
      if (node.type === 'file') return await regularFile(path, node, stats, same);
      return node.type === 'symlink' ? { ...node, linkTarget: readlinkSync(path, { encoding: 'buffer' }) } : node;
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && !isRoot) warn(path, 'vanished before it was read');
      else if (syscall === undefined) throw error;
      else
        throw new DavitError({
          where: path.toString(),
          what: 'cannot be read',
          seen: messageOf(error),
          fix: 'see its permissions and the disk',
        });
      return undefined;
    }
  }

  async function folder(path: Buffer, node: Node, before: Node | undefined): Promise<Node> {
    const earlier = createFinder(await nodesBefore(before));
    const tree = createTreeEncoder();
    let isSame = true;
    // Names are bytes; as text of single bytes they take least memory, and sort as bytes do.
    for (const text of readdirSync(path, { encoding: 'latin1' }).toSorted()) {
      const name = Buffer.from(text, 'latin1');
      const below = Buffer.concat([path, slash, name]);
      if (exclude.has(below.toString('latin1'))) continue;
      const one = earlier.find(name);
      const found = await thing(below, name, one);
      if (found === undefined) continue;
      tree.add(found);
      isSame &&= isSameNode(found, one);
    }
    const known = isSame && tree.count() > 0 && tree.count() === earlier.count() ? before?.subtree : undefined;
    const subtree = known ?? (await blobs.save('tree', tree.end(), tally));
    return { ...node, name: apart(node.name), size: undefined, links: undefined, subtree };
  }

  async function nodesBefore(before: Node | undefined): Promise<Iterator<Node>> {
    if (before?.subtree === undefined || !session.index.has(before.subtree, 'tree')) return [].values();
    return decodeTree(before.subtree, await session.blobs.read(before.subtree, signal));
  }

  async function regularFile(path: Buffer, node: Node, stats: BigIntStats, same: Node | undefined): Promise<Node> {
    if (same !== undefined && isSameFile(node, same) && same.content?.every((id) => blobs.has(id, 'data'))) {
      bytes += node.size ?? 0;
      return { ...node, content: same.content };
    }
    const { content, size, isSame } = await readContent(path, stats);
    if (!isSame) warn(path, 'file changed as we read it');
    bytes += size;
    return { ...node, content, size };
  }

  async function readContent(path: Buffer, stats: BigIntStats): Promise<{ content: string[]; size: number; isSame: boolean }> {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const content: string[] = [];
      let size = 0;
      const least = Math.min(Number(stats.size), minChunkBytes);
      let piece = readFully(file, shared.subarray(0, least + 1), least);
      const isSmall = piece.length <= least;
      size += piece.length;
      if (isSmall) {
        if (piece.length > 0) content.push(await blobs.save('data', piece, tally));
      } else {
        for (; piece.length > 0; piece = readFully(file, shared), size += piece.length) {
          for (const chunk of chunker.push(piece)) content.push(await blobs.save('data', chunk, tally));
          await takeTurn();
        }
        const last = chunker.end();
        if (last !== undefined) content.push(await blobs.save('data', last, tally));
      }
      const after = fstatSync(file, { bigint: true });
      const isSame =
        after.mtimeNs === stats.mtimeNs && after.ctimeNs === stats.ctimeNs && after.ino === stats.ino && size === Number(stats.size);
      return { content, size, isSame };
    } finally {
      chunker.end();
      closeSync(file);
    }
  }

  return {
    thing,
    bytes: () => bytes,
    warnings: () => [...warnings, ...(count > shownWarnings ? [`and ${count - shownWarnings} more`] : [])],
  };
}

/** As much as there is, up to the size of the buffer, in which so much is enough. */
function readFully(file: number, buffer: Buffer, enough = buffer.length): Buffer {
  let filled = 0;
  for (let read = -1; read !== 0 && filled < enough; filled += read) read = readSync(file, buffer, filled, buffer.length - filled, null);
  return buffer.subarray(0, filled);
}
