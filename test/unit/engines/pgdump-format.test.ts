import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseContents } from '../../../src/engines/pgdump-contents.ts';
import { createPgDumpInspector } from '../../../src/engines/pgdump-format.ts';
import { archive, type ArchiveEntry, type ArchiveForm, copied, table, tableData } from '../../support/pgdump-archive.ts';
import { inspecting } from '../../support/inspecting.ts';
import { createRandom, split } from '../../support/random.ts';

const { inspect, isAccepted } = inspecting(() => createPgDumpInspector('service "db"'));

const entries: readonly ArchiveEntry[] = [
  table(1, 'orders'),
  table(2, 'empty'),
  table(3, 'partitioned'),
  table(4, 'inserted'),
  { id: 5, tag: 'sums', kind: 'MATERIALIZED VIEW', namespace: 'public' },
  tableData(6, 'orders', [copied('1\ta', '2\tb').slice(0, 5), copied('1\ta', '2\tb').slice(5)]),
  tableData(7, 'empty', [copied()]),
  { ...tableData(8, 'inserted', ['INSERT INTO public.inserted VALUES (1);\n\n\n']), copy: '' },
  tableData(9, 'of_an_extension', [copied('1')]),
  { id: 10, tag: 'BLOBS', kind: 'BLOBS', objects: { 4711: ['one\n\n\n', 'more'], 4712: [] } },
];
const counted = [
  { name: 'public.orders', rows: 2 },
  { name: 'public.empty', rows: 0 },
  { name: 'public.partitioned' },
  { name: 'public.inserted' },
];

describe.each<ArchiveForm>([
  { minor: 10 },
  { minor: 13 },
  { minor: 14 },
  { minor: 15 },
  { minor: 16 },
  { minor: 16, intBytes: 8 },
  { minor: 16, offsetBytes: 4 },
])('an archive of form %j', (form) => {
  const { bytes, contentsBytes } = archive(entries, form);

  test('tells its tables and rows, where the format tells', () => {
    expect(inspect([bytes])).toEqual(counted);
    expect(parseContents(bytes)?.bytes).toBe(contentsBytes);
  });

  test('gives the same however it is cut into chunks', () => {
    for (const longest of [1, 2, 7, 100])
      for (let seed = 0; seed < 5; seed += 1)
        expect(inspect(split(bytes, createRandom(seed), longest)), `${longest}, ${seed}`).toEqual(counted);
  });

  test('is refused at every length but the whole, in one piece and in small ones', () => {
    const lengths = Array.from({ length: bytes.length }, (_, length) => length);
    expect(lengths.filter((length) => isAccepted([bytes.subarray(0, length)]))).toEqual([]);
    expect(lengths.filter((length) => length % 29 === 0 && isAccepted(split(bytes.subarray(0, length), createRandom(length), 9)))).toEqual(
      [],
    );
  });

  test('is refused with anything behind its end', () => {
    const block = bytes.subarray(bytes.length - 60);
    for (const more of [
      Buffer.from([0]),
      Buffer.from([1]),
      Buffer.from([3]),
      Buffer.from('\n'),
      block,
      bytes,
      bytes.subarray(contentsBytes),
      Buffer.alloc(100),
    ])
      expect(() => inspect([bytes, more])).toThrow(/^service "db": the dump is not complete/);
  });
});

describe('what a broken archive is refused with', () => {
  const { bytes, contentsBytes } = archive(entries);

  test.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /it ends inside its table of contents/],
    ['half a table of contents', bytes.subarray(0, contentsBytes - 1), /it ends inside its table of contents/],
    ['no data at all', bytes.subarray(0, contentsBytes), /5 of its tables have no data, the first is public\.orders/],
    ['half a table', bytes.subarray(0, contentsBytes + 20), /have no data/],
    ['another format', Buffer.from('--\n-- PostgreSQL database dump\n--\n'), /not in the custom format: "--\\n-- PostgreSQL/],
    ['an error text', Buffer.from('pg_dump: error: connection failed'), /not in the custom format/],
  ])('%s', (_, data, expected) => {
    expect(() => inspect([data])).toThrow(expected);
  });

  test('a block that is there twice, or that nothing announces', () => {
    const data = (id: number): Buffer => {
      const one = archive([tableData(id, 'x', [copied('1')])]);
      return one.bytes.subarray(one.contentsBytes);
    };
    const whole = archive([tableData(6, 'x', [copied('1')])]).bytes;
    expect(() => inspect([whole, data(6)])).toThrow(/does not announce, entry 6/);
    expect(() => inspect([whole, data(7)])).toThrow(/does not announce, entry 7/);
  });
});

test('an archive with nothing in it is whole', () => {
  expect(inspect([archive([]).bytes])).toEqual([]);
});

test('compressed data is proven whole, but its rows are not counted', () => {
  expect(inspect([archive([table(1, 'a'), tableData(2, 'a', ['\n\n\n\n\n'])], { compressed: true }).bytes])).toEqual([
    { name: 'public.a' },
  ]);
});

test('a table of contents that comes in many pieces is not read over and over', () => {
  const many = archive(Array.from({ length: 10_000 }, (_, index) => table(index + 1, `t${index}`))).bytes;
  expect(inspect(split(many, createRandom(1), 1_000))).toHaveLength(10_000);
});

/** Real dumps of test/fixtures/dumps/postgres.sql, written to a pipe. */
describe.each(['postgres-15.pgdump', 'postgres-17.pgdump'])('the dump %s', (file) => {
  const dump = readFileSync(new URL(`../../fixtures/dumps/${file}`, import.meta.url));
  const tables = [
    { name: 'odd.schema.quo"te ü', rows: 2 },
    { name: 'public.columnless', rows: 2 },
    { name: 'public.empty', rows: 0 },
    { name: 'public.orders', rows: 5 },
    { name: 'public.readings' },
    { name: 'public.readings_new', rows: 7 },
    { name: 'public.readings_old', rows: 10 },
  ];

  test('holds these tables and rows', () => {
    expect(inspect([dump])).toEqual(tables);
  });

  test('gives the same however it is cut into chunks', () => {
    for (const longest of [1, 10, 1_000])
      for (let seed = 0; seed < 4; seed += 1)
        expect(inspect(split(dump, createRandom(seed), longest)), `${longest}, ${seed}`).toEqual(tables);
  });

  test('is refused at every length of its data but the whole', () => {
    const contentsBytes = parseContents(dump)?.bytes ?? 0;
    const lengths = Array.from({ length: dump.length }, (_, length) => length).filter(
      (length) => length >= contentsBytes || length % 7 === 0,
    );
    expect(lengths.filter((length) => isAccepted([dump.subarray(0, length)]))).toEqual([]);
  });

  test('is refused with anything behind its end', () => {
    for (const more of ['\0', '\n', 'x', 'pg_dump: error']) expect(isAccepted([dump, Buffer.from(more)])).toBe(false);
  });
});

describe('a dump that makes the schema public', () => {
  const { bytes } = archive([{ id: 1, tag: 'public', kind: 'SCHEMA' }, ...entries]);
  const other = archive([{ id: 1, tag: 'shop', kind: 'SCHEMA' }, ...entries]).bytes;
  const accepts = (dump: Buffer, ...options: string[]): boolean =>
    inspecting(() => createPgDumpInspector('service "db"', options)).isAccepted([dump]);

  test.each([['--schema=public'], ['--no-owner', '-n', 'public'], ['-npub*']])(
    'because of %s %s is refused: nobody could load it',
    (...options) => {
      expect([accepts(bytes, ...options), accepts(other, ...options)]).toEqual([false, true]);
    },
  );

  test('is what an old pg_dump always writes, and its pg_restore loads', () => {
    expect([accepts(bytes), accepts(bytes, '--schema-only')]).toEqual([true, true]);
  });
});
