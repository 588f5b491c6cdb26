import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createCrc64, xz } from '../../../src/engines/crc64.ts';
import { createArchiveInspector } from '../../../src/engines/mongodb-archive.ts';
import { readPrelude } from '../../../src/engines/mongodb-prelude.ts';
import type { Table } from '../../../src/model/snapshot.ts';
import { noise } from '../../support/bytes.ts';
import { block, bson, closing, collection, crc64, prelude } from '../../support/mongodump-archive.ts';
import { inspecting } from '../../support/inspecting.ts';
import { createRandom, split } from '../../support/random.ts';

const archives = inspecting(() => createArchiveInspector('service "db"'));
const inspect = (...pieces: readonly Buffer[]) => archives.inspect(pieces);
const isAccepted = (...pieces: readonly Buffer[]) => archives.isAccepted(pieces);

/** A real dump of test/fixtures/dumps/mongodb.js, written to a pipe. */
describe('the dump mongodb.archive', () => {
  const dump = readFileSync(new URL('../../fixtures/dumps/mongodb.archive', import.meta.url));
  const tables = [
    { name: 'Odd-Name_1.a.b c', rows: 2 },
    { name: 'shop.nothing', rows: 0 },
    { name: 'shop.orders', rows: 3 },
  ];
  const sorted = (found: Table[] | undefined) => found?.toSorted((a, b) => (a.name < b.name ? -1 : 1));

  test('holds these collections and documents', () => {
    expect(sorted(inspect(dump))).toEqual(tables);
    const { server, tool, whole } = readPrelude(dump);
    expect({ server, tool, whole }).toEqual({ server: '7.0.42', tool: 'mongodump 100.14.1', whole: true });
  });

  test('gives the same however it is cut into chunks', () => {
    for (const longest of [1, 10, 1_000])
      for (let seed = 0; seed < 4; seed += 1) expect(sorted(inspect(...split(dump, createRandom(seed), longest)))).toEqual(tables);
  });

  test('is refused at every length but the whole', () => {
    const lengths = Array.from({ length: dump.length }, (_, length) => length);
    expect(lengths.filter((length) => isAccepted(dump.subarray(0, length)))).toEqual([]);
    expect(lengths.filter((length) => length % 7 === 0 && isAccepted(...split(dump.subarray(0, length), createRandom(length), 9)))).toEqual(
      [],
    );
  });

  test('is refused when one bit of a document is another', () => {
    const orders = dump.indexOf('ü🚤');
    for (const at of [orders, orders + 1, dump.indexOf('two'), dump.indexOf('ab+')])
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Buffer.from(dump);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(isAccepted(changed), `${at}, ${bit}`).toBe(false);
      }
  });

  test('is refused with anything behind its end', () => {
    for (const more of ['\0', '\n', 'x', 'mongodump: failed']) expect(isAccepted(dump, Buffer.from(more))).toBe(false);
    expect(isAccepted(dump, dump)).toBe(false);
  });
});

const announce = (db: string, name: string, type = 'collection', metadata = '{}') => ({ db, collection: name, metadata, size: 0, type });

test('collections may come in turns', () => {
  const [one, two, three] = [bson({ _id: 1 }), bson({ _id: 2 }), bson({ _id: 3 })];
  expect(
    inspect(
      prelude([announce('shop', 'a'), announce('shop', 'b')]),
      block('shop', 'a', [one]),
      block('shop', 'b', [two]),
      block('shop', 'a', [three]),
      closing('shop', 'b', [two]),
      closing('shop', 'a', [one, three]),
    ),
  ).toEqual([
    { name: 'shop.a', rows: 2 },
    { name: 'shop.b', rows: 1 },
  ]);
});

test('what the server counts in another way, or empties by itself, is not counted', () => {
  const found = inspect(
    prelude([
      announce('shop', 'view', 'view', '{"options":{"viewOn":"a"}}'),
      announce('shop', 'sensors', 'timeseries'),
      announce('shop', 'sessions', 'collection', '{"indexes":[{"expireAfterSeconds":{"$numberInt":"60"}}]}'),
      announce('admin', 'system.users'),
      announce('shop', '$admin.system.users'),
    ]),
    collection('shop', 'view'),
    collection('shop', 'system.buckets.sensors', { _id: 1 }),
    collection('shop', 'sessions', { _id: 1 }),
    collection('admin', 'system.users', { _id: 1 }),
    collection('shop', '$admin.system.users'),
  );
  expect(found).toEqual([{ name: 'shop.view' }, { name: 'shop.sensors' }, { name: 'shop.sessions' }, { name: 'admin.system.users' }]);
});

test('what the oplog changes while the dump runs is not counted', () => {
  const withOplog = (...entries: readonly { op: string; ns: string; o?: readonly number[] }[]) =>
    inspect(
      prelude([announce('shop', 'a'), announce('shop', 'b'), announce('', 'oplog', '', '')]),
      collection('shop', 'a', { _id: 1 }),
      collection('shop', 'b'),
      collection('', 'oplog', ...entries),
    );
  const a = { name: 'shop.a', rows: 1 };
  const b = { name: 'shop.b', rows: 0 };
  expect(withOplog({ op: 'n', ns: '' })).toEqual([a, b]);
  expect(withOplog({ op: 'i', ns: 'shop.a', o: [1, 2] })).toEqual([{ name: 'shop.a' }, b]);
  expect(withOplog({ op: 'c', ns: 'shop.$cmd' })).toEqual([{ name: 'shop.a' }, { name: 'shop.b' }]);
});

describe('what a broken archive is refused with', () => {
  const start = prelude([announce('shop', 'a'), announce('shop', 'b')]);
  const a = collection('shop', 'a', { _id: 1 });
  test.each<[string, readonly Buffer[], RegExp]>([
    ['nothing', [], /ends before its first collection/],
    ['another format', [Buffer.from('2026-11-21 Failed: no')], /it begins with "2026-11-21 Failed: no"/],
    ['compressed', [Buffer.from('1f8b0800', 'hex')], /remove --gzip from label davit.dump.options/],
    ['a collection is missing', [start, a], /1 of its collections are missing, the first is shop\.b/],
    ['half a collection', [start, a.subarray(0, 80)], /it ends inside shop\.a/],
    ['a collection that nothing announces', [start, collection('shop', 'c')], /does not announce, shop\.c/],
    ['a collection twice', [start, a, a], /more of shop\.a behind its end/],
    ['a document fewer', [start, block('shop', 'a', []), closing('shop', 'a', [bson({ _id: 1 })])], /checksum of shop\.a is wrong/],
    ['no length', [start, Buffer.from('01000000', 'hex')], /1 bytes are no length of a document/],
  ])('%s', (_, pieces, expected) => {
    expect(() => inspect(...pieces)).toThrow(expected);
  });
});

test('the beginning of an archive tells what a server holds', () => {
  const start = prelude([announce('shop', 'a'), announce('shop', 'b')]);
  expect(readPrelude(start).namespaces.map(({ collection }) => collection)).toEqual(['a', 'b']);
  const cut = readPrelude(start.subarray(0, start.length - 20));
  expect([cut.whole, cut.namespaces.length]).toEqual([false, 1]);
});

test('the checksum is the one of the definition, in whatever pieces', () => {
  expect(crc64(Buffer.from('123456789'))).toBe(0x995d_c9bb_df19_39fan);
  const data = noise(5_000);
  for (const length of [0, 1, 7, 8, 9, 5_000]) {
    const crc = createCrc64(xz);
    for (let at = 0; at < length; at += 13) crc.add(data, at, Math.min(at + 13, length));
    expect(crc.value(), String(length)).toBe(crc64(data.subarray(0, length)));
  }
});
