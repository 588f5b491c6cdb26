import { describe, expect, test } from 'vitest';
import { aclText } from '../../../src/repository/restic/acl.ts';
import type { BlobLocation } from '../../../src/repository/restic/blob.ts';
import { createBlobIndex } from '../../../src/repository/restic/blob-index.ts';
import { compress, decompress, looksRandom } from '../../../src/repository/restic/compression.ts';
import { permissionsOf, toGoMode } from '../../../src/repository/restic/file-mode.ts';
import { planPrune } from '../../../src/repository/restic/prune-plan.ts';
import { quoteName, unquoteName } from '../../../src/repository/restic/quoted-name.ts';
import { isUnchanged } from '../../../src/repository/restic/stat.ts';
import { formatTime, parseTime } from '../../../src/repository/restic/timestamp.ts';
import { decodeTree, encodeTree, type Node } from '../../../src/repository/restic/tree.ts';
import { fileName } from '../../../src/repository/restic/writer.ts';
import { noise, sha256 } from '../../support/bytes.ts';
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
  expect(() => decodeTree('here', Buffer.from('nonsense'))).toThrow('here: is no tree of files');
});

function packOf(name: string, blobs: readonly (readonly [string, number])[]) {
  let offset = 0;
  const id = sha256(Buffer.from(name));
  const located = blobs.map(([blob, length]): BlobLocation => {
    const location = { id: sha256(Buffer.from(blob)), type: 'data', pack: id, offset, length, plainLength: 0 } as const;
    offset += length;
    return location;
  });
  return { id, blobs: located };
}

test('the index finds every blob of many, and nothing else', () => {
  const index = createBlobIndex();
  const packs = Array.from({ length: 60 }, (_, pack) =>
    packOf(
      `pack ${pack}`,
      Array.from({ length: 100 }, (_, blob) => [`${pack}/${blob}`, blob + 33]),
    ),
  );
  packs.forEach(index.add);
  for (const { blobs } of packs) for (const blob of blobs) expect(index.find(blob.id)).toEqual(blob);
  expect(index.has(sha256(Buffer.from('60/0')))).toBe(false);
  expect(index.packBytes(packs[0]?.id ?? '')).toBe(Array.from({ length: 100 }, (_, n) => n + 33).reduce((a, b) => a + b) + 100 * 37 + 36);
  index.add({ id: sha256(Buffer.from('copy')), blobs: [{ ...(packs[3]?.blobs[3] as BlobLocation), pack: sha256(Buffer.from('copy')) }] });
  expect(index.find(packs[3]?.blobs[3]?.id ?? '')?.pack).toBe(packs[3]?.id);
});

test('what a lost pack held is unknown, until another pack has it', () => {
  const index = createBlobIndex();
  const [old, moved] = [
    packOf('old', [
      ['a', 50],
      ['b', 60],
    ]),
    packOf('moved', [['b', 60]]),
  ];
  const [a = '', b = ''] = old.blobs.map(({ id }) => id);
  index.add(old);
  index.lose(old.id);
  expect([index.has(a), index.find(a), index.has(b)]).toEqual([false, undefined, false]);
  index.add(moved);
  expect([index.has(a), index.find(b)]).toEqual([false, moved.blobs[0]]);
});

test('a file is unchanged when everything about it is, unless it changed while it was read', () => {
  const node: Node = { name: Buffer.from('a'), type: 'file', mode: 0, ...times, uid: 0, gid: 0, size: 5, inode: 7n };
  const later = 1_000_000_000n;
  expect(isUnchanged(node, node, later)).toBe(true);
  for (const change of [{ size: 6 }, { mtime: 9n }, { ctime: 9n }, { inode: 8n }, { type: 'fifo' as const }])
    expect(isUnchanged({ ...node, ...change }, { ...node, ...(change.type ? change : {}) }, later)).toBe(false);
  expect(isUnchanged(node, undefined, later)).toBe(false);
  expect(isUnchanged(node, node, 50_000_000n)).toBe(false);
});

describe('what a prune does with packs', () => {
  const used = (...names: string[]) => {
    const ids = new Set(names.map((name) => sha256(Buffer.from(name))));
    return (id: string) => ids.has(id);
  };
  const [full, half, none, copy] = [
    packOf('full', [
      ['a', 1000],
      ['b', 1000],
    ]),
    packOf('half', [
      ['c', 100],
      ['d', 900],
    ]),
    packOf('none', [['e', 5]]),
    packOf('copy', [
      ['a', 1000],
      ['f', 10],
    ]),
  ] as const;

  test('full ones stay, useless ones go, and what is mostly waste is packed again', () => {
    expect(planPrune([half, none, full], used('a', 'b', 'c'))).toEqual({ keep: [full], repack: [half], remove: [none] });
  });
  test('little waste stays', () => {
    expect(planPrune([full, half], used('a', 'b', 'd'))).toEqual({ keep: [full, half], repack: [], remove: [] });
  });
  test('of a blob that lies twice, one copy goes', () => {
    expect(planPrune([copy, full], used('a', 'b'))).toEqual({ keep: [full], repack: [], remove: [copy] });
  });
});

test('compression is left out where it gives nothing', async () => {
  const text = Buffer.from('all work and no play '.repeat(5000));
  const frame = await compress(text);
  expect(frame?.length).toBeLessThan(1000);
  expect(decompress(frame ?? text, text.length)).toEqual(text);
  expect(looksRandom(text)).toBe(false);
  expect(looksRandom(noise(100_000))).toBe(true);
  expect(await compress(noise(100_000))).toBeUndefined();
  expect(await compress(Buffer.from('x'))).toBeUndefined();
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
