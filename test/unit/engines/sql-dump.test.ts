import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createSqlInspector } from '../../../src/engines/sql-dump.ts';
import type { Table } from '../../../src/model/snapshot.ts';
import { createRandom, split } from '../../support/random.ts';

const end = '-- Dump completed on 2026-11-21  5:00:15\n';

function inspect(pieces: readonly (string | Buffer)[]): Table[] | undefined {
  const inspector = createSqlInspector('service "db"', /^-- Dump completed/);
  for (const piece of pieces) inspector.see(Buffer.from(piece));
  return inspector.conclude();
}

function isAccepted(dump: Buffer): boolean {
  try {
    inspect([dump]);
    return true;
  } catch {
    return false;
  }
}

const rows = (...lines: string[]) =>
  Object.fromEntries(inspect([`${lines.join('\n')}\n${end}`])?.map(({ name, rows }) => [name, rows]) ?? []);

/** Real dumps of test/fixtures/dumps/mysql.sql. */
describe.each(['mariadb-11.8.sql', 'mysql-9.sql'])('the dump %s', (file) => {
  const dump = readFileSync(new URL(`../../fixtures/dumps/${file}`, import.meta.url));
  const tables = [
    { name: 'audit', rows: 0 },
    { name: 'back`quote (x) ü', rows: 2 },
    { name: 'computed', rows: 3 },
    { name: 'empty', rows: 0 },
    { name: 'many', rows: 200 },
    { name: 'plain', rows: 7 },
  ];

  test('holds these tables and rows: no view, and nothing that only a routine or trigger would create or insert', () => {
    expect(inspect([dump])).toEqual(tables);
  });

  test('gives the same however it is cut into chunks', () => {
    for (const longest of [1, 3, 100, 5_000])
      for (let seed = 0; seed < 8; seed += 1)
        expect(inspect(split(dump, createRandom(seed), longest)), `${longest}, ${seed}`).toEqual(tables);
  });

  test('is refused when it is cut off, at every seventh byte and at every one near its end', () => {
    const lengths = Array.from({ length: dump.length }, (_, length) => length);
    const accepted = lengths.filter((length) => (length % 7 === 0 || length > dump.length - 1_500) && isAccepted(dump.subarray(0, length)));
    expect(accepted).toEqual([]);
    expect(() => inspect([dump.subarray(0, -1)])).toThrow(/^service "db": the dump has no end marker, so it is not complete/);
  });

  test('is refused with anything behind its end', () => {
    expect(() => inspect([dump, 'mysqldump: Got error: 2013\n'])).toThrow(/it ends with "mysqldump: Got error/);
    expect(() => inspect([dump, '('])).toThrow(/no end marker/);
  });
});

describe('rows', () => {
  test('one a line, as MariaDB writes them', () => {
    expect(rows('CREATE TABLE `a` (', '  `id` int', ');', 'INSERT INTO `a` VALUES', "(1,'(2),(3)'),", "(2,'x');", '', '(9)')).toEqual({
      a: 2,
    });
  });

  test('several a line, as MySQL writes them', () => {
    expect(rows('CREATE TABLE `a` (', 'INSERT INTO `a` VALUES (1),(2);', 'INSERT INTO `a` VALUES (3);')).toEqual({ a: 3 });
  });

  test.each([
    ["(1,'a),(b'),(2,'c');", 2],
    [String.raw`(1,'it\'s),('),(2,'\\'),(3,'\\\'),(');`, 3],
    [String.raw`(1,'\r\n(\0\Z'),(2,'"(');`, 2],
    ["(1,''),(2,'''('),(3,NULL);", 3],
    ['(1,0x2827),(2,-1.5e3);', 2],
    ["(1,'a\r(b'),(2,'\u2028(');", 2],
  ])('%s', (values, expected) => {
    expect(rows(`INSERT INTO \`a\` VALUES ${values}`)).toEqual({ a: expected });
  });

  test('of a column list, whatever the columns are called', () => {
    expect(rows("INSERT INTO `a` (`id`, `VALUES (`, `it's`, `q``(`) VALUES (1,2,3,4),(5,6,7,8);")).toEqual({ a: 2 });
    expect(rows('INSERT IGNORE INTO `a` (`id`) VALUES', '(1),', '(2);')).toEqual({ a: 2 });
  });

  test('of a column list longer than any buffer', () => {
    const columns = Array.from({ length: 2_000 }, (_, index) => `\`column (${index})\``).join(', ');
    const dump = Buffer.from(`INSERT INTO \`a\` (${columns}) VALUES (1),(2);\n${end}`);
    expect(inspect(split(dump, createRandom(1), 700))).toEqual([{ name: 'a', rows: 2 }]);
  });

  test('of tables with odd names, apart from each other', () => {
    expect(
      rows('CREATE TABLE `a``b` (', 'INSERT INTO `a``b` VALUES (1);', 'INSERT INTO `a` VALUES (1),(2);', 'CREATE TABLE `ü` ('),
    ).toEqual({
      'a`b': 1,
      a: 2,
      ü: 0,
    });
  });

  test('after a routine are counted again', () => {
    const routine = ['DELIMITER ;;', 'CREATE PROCEDURE p()', 'INSERT INTO `a` VALUES (1);', '-- Dump completed', 'END ;;', 'DELIMITER ;'];
    expect(rows('CREATE TABLE `a` (', ...routine, 'INSERT INTO `a` VALUES (1);')).toEqual({ a: 1 });
    expect(() => inspect([routine.slice(0, 4).join('\n'), '\n'])).toThrow(/no end marker/);
  });
});

test('random values are counted right in both styles, however they are cut', () => {
  const pieces = [
    "'",
    '"',
    '\\',
    '(',
    ')',
    '),(',
    ');',
    '\n',
    '\r',
    ',',
    'x',
    'VALUES',
    '`',
    'ü',
    '\0',
    '-- Dump completed',
    'INSERT INTO `a` VALUES (',
  ];
  const escape = (text: string) =>
    `'${text
      .replace(/[\\'"]/g, '\\$&')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r')
      .replaceAll('\0', '\\0')}'`;
  for (let seed = 0; seed < 200; seed += 1) {
    const random = createRandom(seed);
    const count = 1 + random.below(5);
    const tuples = Array.from(
      { length: count },
      () => `(${random.below(9)},${escape(Array.from({ length: random.below(6) }, () => random.pick(pieces)).join(''))})`,
    );
    for (const separator of [' ', '\n']) {
      const dump = `INSERT INTO \`a\` VALUES${separator}${tuples.join(separator === ' ' ? ',' : ',\n')};\nINSERT INTO \`b\` VALUES (1);\n${end}`;
      expect(inspect(split(Buffer.from(dump), random, 1 + random.below(20))), `seed ${seed}`).toEqual([
        { name: 'a', rows: count },
        { name: 'b', rows: 1 },
      ]);
    }
  }
});
