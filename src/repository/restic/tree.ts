import { DavitError, messageOf } from '../../model/errors.ts';
import type { NodeType } from './file-mode.ts';
import { batchesOf } from './long-list.ts';
import { characterBytes, quoteName, unquoteName } from './quoted-name.ts';
import { formatTime, parseTime } from './timestamp.ts';

export interface Attribute {
  readonly name: string;
  readonly value: Buffer;
}

/** One thing in a folder. Times are nanoseconds since 1970; names and targets are bytes, which need not be UTF-8. */
export interface Node {
  readonly name: Buffer;
  readonly type: NodeType;
  /** As Go has it. */
  readonly mode: number;
  readonly mtime: bigint;
  readonly atime: bigint;
  readonly ctime: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly inode?: bigint | undefined;
  readonly deviceId?: bigint | undefined;
  readonly size?: number | undefined;
  readonly links?: number | undefined;
  readonly linkTarget?: Buffer | undefined;
  readonly attributes?: readonly Attribute[] | undefined;
  readonly device?: number | undefined;
  /** The blobs of a file. */
  readonly content?: readonly string[] | undefined;
  /** The tree of a folder. */
  readonly subtree?: string | undefined;
}

/** So much of a folder is held as text; what is larger as bytes, and only some of its things at a time. */
const wholeBytes = 1024 * 1024;
const waitingNodes = 1000;
const [head, tail] = ['{"nodes":[', ']}\n'];

/** A folder as restic writes it, byte for byte, so that both find the same tree for the same folder. */
export function encodeTree(nodes: readonly Node[]): Buffer {
  const encoder = createTreeEncoder();
  nodes.toSorted((a, b) => Buffer.compare(a.name, b.name)).forEach(encoder.add);
  return encoder.end();
}

/** The same for things that come one after another, in the order of their names. Nothing is encoded of a small folder that is not ended. */
export function createTreeEncoder() {
  const pieces: Buffer[] = [];
  let waiting: Node[] = [];
  let count = 0;

  function encode(): string {
    const text = `${pieces.length === 0 ? head : ','}${waiting.map(encodeNode).join(',')}`;
    waiting = [];
    return text;
  }

  return {
    add(node: Node): void {
      if (waiting.length === waitingNodes) pieces.push(Buffer.from(encode()));
      waiting.push(node);
      count += 1;
    },
    count: () => count,
    end(): Buffer {
      const last = Buffer.from(`${encode()}${tail}`);
      return pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    },
  };
}

function encodeNode(node: Node): string {
  const { user, group, inode, deviceId, size, links, linkTarget, attributes = [], device, content, subtree } = node;
  const number = (key: string, value: number | bigint | undefined): string => (value ? `,"${key}":${value}` : '');
  const text = (key: string, value: string | undefined): string => (value ? `,"${key}":${quoted(value)}` : '');
  const listed = attributes.map(({ name, value }) => `{"name":${quoted(name)},"value":"${value.toString('base64')}"}`);
  const mtime = formatTime(node.mtime);
  const atime = node.atime === node.mtime ? mtime : formatTime(node.atime);
  return [
    `{"name":${quoted(quoteName(node.name))},"type":"${node.type}"`,
    number('mode', node.mode),
    `,"mtime":"${mtime}","atime":"${atime}","ctime":"${formatTime(node.ctime)}"`,
    `,"uid":${node.uid},"gid":${node.gid}`,
    text('user', user),
    text('group', group),
    number('inode', inode),
    number('device_id', deviceId),
    number('size', size),
    number('links', links),
    linkTarget === undefined ? '' : encodeTarget(linkTarget),
    listed.length === 0 ? '' : `,"extended_attributes":[${listed.join(',')}]`,
    number('device', device),
    content === undefined ? ',"content":null' : `,"content":[${content.map((id) => `"${id}"`).join(',')}]`,
    text('subtree', subtree),
    '}',
  ].join('');
}

/** Go escapes what could end a script in a page. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A target that is not UTF-8 is written twice: readable, and as it is. */
function encodeTarget(target: Buffer): string {
  let text = '';
  let isWhole = true;
  for (let at = 0; at < target.length;) {
    const length = characterBytes(target, at);
    text += length === 0 ? '\\ufffd' : quoted(target.toString('utf8', at, at + length)).slice(1, -1);
    isWhole &&= length > 0;
    at += Math.max(1, length);
  }
  return `,"linktarget":"${text}"${isWhole ? '' : `,"linktarget_raw":"${target.toString('base64')}"`}`;
}

/** What is used of a node's JSON. */
interface NodeJson {
  readonly name: string;
  readonly type: string;
  readonly mode?: number;
  readonly mtime: string;
  readonly atime: string;
  readonly ctime: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  readonly group?: string;
  readonly inode?: number;
  readonly device_id?: number;
  readonly size?: number;
  readonly links?: number;
  readonly linktarget?: string;
  readonly linktarget_raw?: string;
  readonly extended_attributes?: readonly { readonly name: string; readonly value?: string | null }[];
  readonly device?: number;
  readonly content?: readonly string[] | null;
  readonly subtree?: string;
}

/** The things of a folder, one after another. */
export function* decodeTree(where: string, bytes: Buffer): Generator<Node> {
  try {
    for (const list of listsOf(bytes)) for (const node of list) yield decodeNode(node);
  } catch (error) {
    throw new DavitError({ where, what: 'is no tree of files', seen: messageOf(error), fix: 'use another snapshot' });
  }
}

function* listsOf(bytes: Buffer): Generator<NodeJson[]> {
  if (bytes.length > wholeBytes && bytes.toString('latin1', 0, head.length) === head)
    for (const batch of batchesOf(bytes, head.length)) yield JSON.parse(batch) as NodeJson[];
  else yield (JSON.parse(bytes.toString()) as { nodes: NodeJson[] | null }).nodes ?? [];
}

function decodeNode(json: NodeJson): Node {
  const target = json.linktarget_raw === undefined ? json.linktarget : Buffer.from(json.linktarget_raw, 'base64');
  const attributes = json.extended_attributes?.map(({ name, value }) => ({ name, value: Buffer.from(value ?? '', 'base64') }));
  const mtime = parseTime(json.mtime);
  return {
    name: unquoteName(json.name),
    type: json.type as NodeType,
    mode: json.mode ?? 0,
    mtime,
    atime: json.atime === json.mtime ? mtime : parseTime(json.atime),
    ctime: json.ctime === json.mtime ? mtime : parseTime(json.ctime),
    uid: json.uid ?? 0,
    gid: json.gid ?? 0,
    user: json.user,
    group: json.group,
    inode: json.inode === undefined ? undefined : BigInt(json.inode),
    deviceId: json.device_id === undefined ? undefined : BigInt(json.device_id),
    size: json.size,
    links: json.links,
    linkTarget: typeof target === 'string' ? Buffer.from(target) : target,
    attributes,
    device: json.device,
    content: json.content ?? undefined,
    subtree: json.subtree,
  };
}
