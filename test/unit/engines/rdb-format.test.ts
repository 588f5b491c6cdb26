import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createCrc64, jones } from '../../../src/engines/crc64.ts';
import { createRdbInspector } from '../../../src/engines/rdb-format.ts';
import { inspecting } from '../../support/inspecting.ts';
import { createRandom, split } from '../../support/random.ts';

const { inspect, isAccepted } = inspecting(() => createRdbInspector('service "cache"'));

function sealed(body: Buffer): Buffer {
  const crc = createCrc64(jones);
  const whole = Buffer.concat([Buffer.from('REDIS0011'), body, Buffer.from([0xff])]);
  crc.add(whole);
  const checksum = Buffer.alloc(8);
  checksum.writeBigUInt64LE(crc.value());
  return Buffer.concat([whole, checksum]);
}

const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
const string = (key: string): Buffer => Buffer.concat([Buffer.from([0]), text(key), text('value')]);
const mark = 40;

test('the checksum is the one of Redis, however the bytes are cut', () => {
  const bytes = Buffer.from('123456789');
  for (const longest of [1, 3, 9]) {
    const crc = createCrc64(jones);
    for (const piece of split(bytes, createRandom(longest), longest)) crc.add(piece);
    expect(crc.value()).toBe(0xe9c6d914c4b8d9can);
  }
});

/** Real dumps of test/fixtures/dumps/redis.txt, with the mark that `--rdb -` leaves behind them. */
describe.each(['redis-7.rdb', 'valkey-8.rdb'])('the dump %s', (file) => {
  const dump = readFileSync(new URL(`../../fixtures/dumps/${file}`, import.meta.url));
  const tables = [
    { name: 'db0', rows: 12 },
    { name: 'db3', rows: 1 },
    { name: 'db15', rows: 1 },
  ];

  test('holds these keys that do not expire, with the mark and without', () => {
    expect(inspect([dump])).toEqual(tables);
    expect(inspect([dump.subarray(0, -mark)])).toEqual(tables);
  });

  test('gives the same however it is cut into chunks', () => {
    for (const longest of [1, 2, 7, 50, 100])
      for (let seed = 0; seed < 5; seed += 1)
        expect(inspect(split(dump, createRandom(seed), longest)), `${longest}, ${seed}`).toEqual(tables);
  });

  test('is refused at every other length', () => {
    const lengths = Array.from({ length: dump.length }, (_, length) => length);
    expect(lengths.filter((length) => isAccepted([dump.subarray(0, length)]))).toEqual([dump.length - mark]);
    expect(lengths.filter((length) => isAccepted(split(dump.subarray(0, length), createRandom(length), 9)))).toEqual([dump.length - mark]);
  });

  test('is refused with any byte changed, and with anything behind its end', () => {
    for (let at = 0; at < dump.length - mark; at += 1) {
      const broken = Buffer.from(dump);
      broken[at] = (broken[at] ?? 0) ^ 1;
      expect(isAccepted([broken]), String(at)).toBe(false);
    }
    for (const more of ['\0', '\n', 'x', '0'.repeat(mark)]) expect(isAccepted([dump, Buffer.from(more)])).toBe(false);
  });
});

test.each<[string, Buffer, RegExp]>([
  ['nothing', Buffer.alloc(0), /no RDB file: it begins with ""/],
  ['an answer', Buffer.from('NOAUTH Authentication required.\n'), /no RDB file: it begins with "NOAUTH Au"/],
  ['half a dump', Buffer.from('REDIS0011 and not much more than that, although it is longer than a mark'), /the dump is not complete/],
])('%s is refused', (_, data, expected) => {
  expect(() => inspect([data])).toThrow(expected);
});

test('a dump without a checksum cannot be proven', () => {
  const dump = sealed(string('key'));
  dump.fill(0, dump.length - 8);
  const marked = Buffer.concat([dump, Buffer.from('a'.repeat(mark))]);
  expect(() => inspect([marked])).toThrow(/without a checksum.* — start it with --rdbchecksum yes/);
});

test('keys of a type that is not known are proven whole, but not counted', () => {
  const padding = Buffer.concat(Array.from({ length: 9 }, (_, at) => string(`key${at}`)));
  expect(inspect([sealed(padding)])).toEqual([{ name: 'db0', rows: 9 }]);
  expect(inspect([sealed(Buffer.concat([padding, Buffer.from([99]), text('key')]))])).toBeUndefined();
});

test('what a walk may meet: modules, idle times, long lengths', () => {
  const module = Buffer.concat([
    Buffer.from([7, ...text('key'), 0x81, 0, 0, 0, 0, 0, 0, 0, 9]),
    Buffer.from([1, 5, 2, 0x40, 0x80, 3, 1, 2, 3, 4, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, ...text('inside'), 0]),
  ]);
  const aux = Buffer.from([0xf7, 9, 2, 1, 5, ...text('of it'), 0]);
  const idle = Buffer.from([0xf8, 0x80, 0, 1, 0, 0, 0xfd, 1, 2, 3, 4]);
  const list = Buffer.from([1, ...text('list'), 3, 0xc0, 7, 0xc2, 1, 2, 3, 4, 0xc3, 2, 0x40, 90, 1, 2]);
  const scores = Buffer.from([3, ...text('scores'), 2, ...text('a'), 255, ...text('b'), 3, 49, 46, 53]);
  expect(inspect([sealed(Buffer.concat([aux, module, idle, string('gone'), list, scores, string('last')]))])).toEqual([
    { name: 'db0', rows: 4 },
  ]);
});
