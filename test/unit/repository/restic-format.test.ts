import { describe, expect, test } from 'vitest';
import { aclText } from '../../../src/repository/restic/acl.ts';
import { compress, decompress, looksRandom } from '../../../src/repository/restic/compression.ts';
import { permissionsOf, toGoMode } from '../../../src/repository/restic/file-mode.ts';
import { quoteName, unquoteName } from '../../../src/repository/restic/quoted-name.ts';
import { isSameFile, isUntouched } from '../../../src/repository/restic/stat.ts';
import { formatTime, parseTime } from '../../../src/repository/restic/timestamp.ts';
import { createFinder } from '../../../src/repository/restic/finder.ts';
import { decodeTree, encodeTree, type Node } from '../../../src/repository/restic/tree.ts';
import { fileName } from '../../../src/repository/restic/file-name.ts';
import { noise } from '../../support/bytes.ts';
import { createRandom } from '../../support/random.ts';

describe('names are those of Go', () => {
  test.for([
    ['plain name', 'plain name'],
    ['new\nline', String.raw`new\nline`],
    ['a"b\\c', String.raw`a\"b\\c`],
    ['\u{1f6a4} boat é', '\u{1f6a4} boat é'],
    ['soft\u00adhyphen\u00a0\u200b', String.raw`soft\u00adhyphen\u00a0\u200b`],
    ['\x07\x01\x7f', String.raw`\a\x01\x7f`],
  ])('%j', ([name = '', quoted]) => {
    expect(quoteName(Buffer.from(name))).toBe(quoted);
  });

  test('bytes that are not UTF-8 are escaped, and everything comes back', () => {
    expect(quoteName(Buffer.from('raw\xff\xfebytes\xc3', 'latin1'))).toBe(String.raw`raw\xff\xfebytes\xc3`);
    const random = createRandom(7);
    for (let round = 0; round < 500; round++) {
      const name = Buffer.from(Array.from({ length: random.below(12) }, () => random.below(256)));
      expect(unquoteName(quoteName(name))).toEqual(name);
    }
  });
});

test('times keep nanoseconds on both sides of 1970, and any zone is understood', () => {
  const cases = [
    [1_580_608_922_123_456_789n, '2020-02-02T02:02:02.123456789Z'],
    [-1_093_805_694_012_345_679n, '1935-05-05T05:05:05.987654321Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [1_500_000_000n, '1970-01-01T00:00:01.5Z'],
    [0n, '1970-01-01T00:00:00Z'],
  ] as const;
  for (const [nanoseconds, text] of cases) expect([formatTime(nanoseconds), parseTime(text)]).toEqual([text, nanoseconds]);
  expect(parseTime('2020-02-02T04:02:02.5+02:00')).toBe(parseTime('2020-02-02T02:02:02.5Z'));
});

test('modes are those of Go, and give back their permissions', () => {
  expect(toGoMode(0o040755)).toBe(2147484141);
  expect(toGoMode(0o100644)).toBe(0o644);
  expect(toGoMode(0o020666)).toBe(69206454);
  for (const mode of [0o104755, 0o042750, 0o041777, 0o120777, 0o010644]) expect(permissionsOf(toGoMode(mode))).toBe(mode & 0o7777);
});

const times = { mtime: 1n, atime: 2n, ctime: 3n };

test('a tree is written as restic writes it: sorted, in its order of fields, without what is empty', () => {
  const link: Node = {
    name: Buffer.from('b<'),
    type: 'symlink',
    mode: toGoMode(0o120777),
    ...times,
    uid: 0,
    gid: 0,
    linkTarget: Buffer.from('x\xff&', 'latin1'),
  };
  const file: Node = {
    name: Buffer.from('a'),
    type: 'file',
    mode: 0o644,
    ...times,
    uid: 1,
    gid: 2,
    user: 'u',
    inode: 9007199254740993n,
    size: 0,
    links: 1,
    content: [],
  };
  const time = (n: number) => `"1970-01-01T00:00:00.00000000${n}Z"`;
  const stamps = `"mtime":${time(1)},"atime":${time(2)},"ctime":${time(3)}`;
  expect(encodeTree([link, file]).toString()).toBe(
    `{"nodes":[{"name":"a","type":"file","mode":420,${stamps},"uid":1,"gid":2,"user":"u","inode":9007199254740993,"links":1,"content":[]},` +
      String.raw`{"name":"b\u003c","type":"symlink","mode":134218239,` +
      `${stamps},"uid":0,"gid":0,` +
      String.raw`"linktarget":"x\ufffd\u0026","linktarget_raw":"eP8m","content":null}]}` +
      '\n',
  );
  const [again, target] = decodeTree('here', encodeTree([link, file]));
  expect(again).toMatchObject({ name: Buffer.from('a'), mtime: 1n, content: [] });
  expect(target?.linkTarget).toEqual(link.linkTarget);
  expect(() => [...decodeTree('here', Buffer.from('nonsense'))]).toThrow('here: is no tree of files');
});

describe('a folder that is too large to be held as one text', () => {
  const nodes = Array.from({ length: 9_000 }, (_, index): Node => {
    const name = Buffer.concat([Buffer.from(String(index).padStart(5, '0')), Buffer.from('"{[]},{\\\xff', 'latin1')]);
    const attributes = [
      { name: 'user.a', value: Buffer.from('}') },
      { name: 'user.b\\"', value: Buffer.from(']') },
    ];
    return { name, type: 'file', mode: 0o644, ...times, uid: 1, gid: 2, size: 4, links: 1, content: ['ab', 'cd'], attributes };
  });
  const bytes = encodeTree(nodes);

  test('is the same thing after thing', () => {
    expect(bytes.length).toBeGreaterThan(2 * 1024 * 1024);
    expect((JSON.parse(bytes.toString()) as { nodes: unknown[] }).nodes).toHaveLength(nodes.length);
    expect([...decodeTree('here', bytes)]).toMatchObject(nodes);
    expect([...decodeTree('here', Buffer.from(`{ "nodes": ${bytes.toString('utf8', 9)}`))]).toMatchObject(nodes);
  });

  test('gives its first things before the others are looked at, and is refused where it is cut off', () => {
    const cut = bytes.subarray(0, -3);
    expect(decodeTree('here', cut).next().value).toMatchObject({ name: nodes[0]?.name });
    expect(() => [...decodeTree('here', cut)]).toThrow('here: is no tree of files: the list has no end');
    expect(() => [...decodeTree('here', bytes.subarray(0, -1_000))]).toThrow('here: is no tree of files');
  });

  test('is compared with another by names, one after another', () => {
    const finder = createFinder(decodeTree('here', bytes));
    const [first, later, last] = [nodes[1], nodes[4_000], nodes[8_999]].map((node) => node?.name ?? Buffer.alloc(0));
    for (const name of [first, later, last]) expect(finder.find(name ?? Buffer.alloc(0))?.name).toEqual(name);
    expect(finder.find(Buffer.from('zzz'))).toBeUndefined();
    expect(finder.count()).toBe(9_000);
    const another = createFinder(nodes.values());
    expect(another.find(Buffer.from('00001'))).toBeUndefined();
    expect(another.find(first ?? Buffer.alloc(0))?.name).toEqual(first);
  });
});

test('compression is left out where it gives nothing', () => {
  const text = Buffer.from('all work and no play '.repeat(5000));
  const frame = compress(text);
  expect(frame?.length).toBeLessThan(1000);
  expect(decompress(frame ?? text, text.length)).toEqual(text);
  expect(looksRandom(text)).toBe(false);
  expect(looksRandom(noise(100_000))).toBe(true);
  expect(compress(noise(100_000))).toBeUndefined();
  expect(compress(Buffer.from('x'))).toBeUndefined();
});

test('ACLs are text in a tar', () => {
  const entry = (tag: number, permissions: number, id = 0xffff_ffff) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(tag);
    bytes.writeUInt16LE(permissions, 2);
    bytes.writeUInt32LE(id, 4);
    return bytes;
  };
  const attribute = Buffer.concat([
    Buffer.of(2, 0, 0, 0),
    entry(1, 7),
    entry(2, 6, 4321),
    entry(4, 5),
    entry(8, 4, 77),
    entry(16, 6),
    entry(32, 0),
  ]);
  expect(aclText(attribute)).toBe('user::rwx,user:4321:rw-,group::r-x,group:77:r--,mask::rw-,other::---');
});

test('artifacts have places in which none can lie in another', () => {
  const place = (name: string, isTree = true) => fileName({ service: 'web', name, extension: 'sql' }, isTree);
  expect(place('files/data')).toBe('web/files/data');
  expect(place('files/data/sub')).toBe('web/files/data%2Fsub');
  expect(place('files/')).toBe('web/files/%2F');
  expect(place('@accounts', false)).toBe('web/@accounts.sql');
  expect(place('..', false)).toBe('web/%2E%2E.sql');
  expect(place('x'.repeat(300), false)).toMatch(/^web\/x{183}~[0-9a-f]{16}\.sql$/);
  expect(place('x'.repeat(300), false)).not.toBe(place('x'.repeat(301), false));
  expect(() => place('', false)).toThrow('cannot become a file name');
});

test('a thing is untouched when its inode is as it was, unless it changed while it was read', () => {
  const node: Node = { name: Buffer.from('a'), type: 'file', mode: 0, ...times, uid: 0, gid: 0, size: 5, inode: 7n };
  const stats = { ctimeNs: node.ctime, ino: 7n };
  const later = 1_000_000_000n;
  expect(isUntouched(stats, node, later)).toBe(true);
  expect(isUntouched({ ...stats, ctimeNs: 9n }, node, later)).toBe(false);
  expect(isUntouched({ ...stats, ino: 8n }, node, later)).toBe(false);
  expect(isUntouched(stats, node, 50_000_000n)).toBe(false);
  expect(isSameFile(node, node)).toBe(true);
  for (const change of [{ size: 6 }, { mtime: 9n }]) expect(isSameFile({ ...node, ...change }, node)).toBe(false);
  expect(isSameFile(node, { ...node, type: 'fifo' })).toBe(false);
});
