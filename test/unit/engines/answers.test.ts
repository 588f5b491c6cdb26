import { describe, expect, test } from 'vitest';
import { mariadb, recreate } from '../../../src/engines/mariadb.ts';
import { mysql } from '../../../src/engines/mysql.ts';
import { postgres } from '../../../src/engines/postgres.ts';
import { readCensus } from '../../../src/engines/sql-server.ts';
import { target } from '../../support/builders.ts';

const lines = (...values: unknown[]): string => `${values.map((value) => JSON.stringify(value)).join('\n')}\n`;

describe.each([mariadb, mysql])('$name', (engine) => {
  const tool = { tool: 'mysqldump  Ver 9.7' };
  const shop = { name: 'sh`o"p', charset: 'utf8mb4', collation: 'utf8mb4_bin', unsafe: 0 };

  test.each([1, true])('an inventory (flags as %j)', (flag) => {
    expect(engine.readInventory(lines(tool, { server: '9.7.4', accounts: flag }, shop))).toEqual({
      tool: 'mysqldump  Ver 9.7',
      server: '9.7.4',
      accounts: true,
      databases: [{ name: 'sh`o"p', details: { charset: 'utf8mb4', collation: 'utf8mb4_bin' }, warnings: [] }],
      warnings: [],
    });
  });

  test('tables that are not transactional are told', () => {
    const { databases } = engine.readInventory(lines(tool, { server: '9', accounts: 1 }, { ...shop, unsafe: '2' }));
    expect(databases[0]?.warnings).toEqual([expect.stringMatching(/^2 tables of database sh`o"p are not transactional/)]);
  });

  test('a login without the right to read accounts is told', () => {
    const { accounts, warnings } = engine.readInventory(lines(tool, { server: '9', accounts: 0 }));
    expect(accounts).toBe(false);
    expect(warnings).toEqual([expect.stringMatching(/users and grants are not part of the backup/)]);
  });
});

describe('postgres', () => {
  test('an inventory', () => {
    const answer = lines(
      { tool: 'pg_dump (PostgreSQL) 17.6' },
      { server: '17.6', super: true },
      { name: 'shop', owner: 'app', encoding: 'UTF8', collate: 'C', ctype: 'C' },
    );
    expect(postgres.readInventory(answer)).toEqual({
      tool: 'pg_dump (PostgreSQL) 17.6',
      server: '17.6',
      accounts: true,
      databases: [{ name: 'shop', details: { owner: 'app', encoding: 'UTF8', collate: 'C', ctype: 'C' }, warnings: [] }],
      warnings: [],
    });
  });

  test('a login that is no superuser is told', () => {
    const { accounts, warnings } = postgres.readInventory(lines({ server: '17', super: false }));
    expect(accounts).toBe(false);
    expect(warnings).toEqual([expect.stringMatching(/no superuser .* roles: they are not part of the backup/)]);
  });

  test('no setting is demanded that only a superuser may make', () => {
    const at = target({}, { user: 'backup' });
    const database = { name: 'shop', details: {}, warnings: [] };
    for (const { argv } of [postgres.inventory(at), postgres.dump(at, database).command, postgres.ready(at)])
      expect(argv[2]).not.toContain('lc_messages');
  });

  test('a dump of roles needs its end marker', () => {
    const inspect = (text: string) => {
      const inspector = postgres.dump(target(), undefined).inspect();
      for (const character of text) inspector.see(Buffer.from(character));
      return () => inspector.conclude();
    };
    const dump = '--\nCREATE ROLE app;\n--\n-- PostgreSQL database cluster dump complete\n--\n\n';
    expect(inspect(dump)()).toBeUndefined();
    expect(inspect(`${dump}\\unrestrict x\n`)()).toBeUndefined();
    expect(inspect('')).toThrow(/service "db": the dump of roles has no end marker/);
    expect(inspect(dump.slice(0, 50))).toThrow(/no end marker/);
    expect(inspect(`-- PostgreSQL database cluster dump complete\n${'x'.repeat(2_000)}`)).toThrow(/no end marker/);
  });
});

test('an answer that is no JSON is shown', () => {
  expect(() => postgres.readInventory('{"tool":"x"}\nFATAL: nope\n')).toThrow(/not understood: FATAL: nope/);
});

test('a census is one table a line', () => {
  expect(readCensus(lines({ name: 'a', rows: 0 }, { name: 'ü\n', rows: 7 }))).toEqual([
    { name: 'a', rows: 0 },
    { name: 'ü\n', rows: 7 },
  ]);
  expect(readCensus('\n')).toEqual([]);
});

test('a database is created again with its charset and collation', () => {
  expect(recreate('a`b', { charset: 'utf8mb4', collation: 'utf8mb4_bin' })).toBe(
    'SET SESSION lock_wait_timeout = 60, foreign_key_checks = 0; DROP DATABASE IF EXISTS `a``b`; CREATE DATABASE `a``b` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  );
  expect(recreate('shop')).toBe(
    'SET SESSION lock_wait_timeout = 60, foreign_key_checks = 0; DROP DATABASE IF EXISTS `shop`; CREATE DATABASE `shop`',
  );
});
