import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, afterEach, beforeEach, expect, test } from 'vitest';
import { children, until } from '../support/processes.ts';
import { ask, sql, startApp } from '../support/sqlite.ts';
import { createTreeLab, type TreeLab } from '../support/tree-lab.ts';

let lab: TreeLab;
beforeEach(async () => void (lab = await createTreeLab()));
afterEach(() => lab[Symbol.asyncDispose]());

const wal = 'PRAGMA journal_mode = wal';
const table = 'CREATE TABLE t (a)';

describe('the last committed row is there when its app', () => {
  test.each([
    ['writes, with a write-ahead log', [wal, table], false],
    ['writes, with a rollback journal', [table], false],
    ['writes, with a journal that persists', ['PRAGMA journal_mode = persist', table], false],
    ['was killed, with a write-ahead log', [wal, table], true],
    ['was killed, with a rollback journal', [table], true],
  ] as const)('%s', async (_, prepare, killed) => {
    await using app = await startApp(
      lab.at('app.db'),
      [...prepare, 'PRAGMA user_version = 7', 'PRAGMA application_id = 42'],
      "'INSERT INTO t VALUES (' + i + ')'",
    );
    if (killed) await app.kill();
    const before = app.last();
    const atRest = killed ? readdirSync(lab.root) : [];
    const snapshot = await lab.capture();
    await app.kill();
    expect(snapshot).toMatchObject({ failures: [], warnings: [], names: ['sqlite/data/app.db'] });
    expect(snapshot.databases[0]).toMatchObject({
      details: { integrity: 'ok', userVersion: '7', applicationId: '42' },
      tables: [{ name: 't' }],
    });
    expect(await snapshot.members()).toEqual([]);
    if (killed) expect(readdirSync(lab.root)).toEqual(atRest);

    const file = join(await snapshot.restore(), 'app.db');
    expect(readdirSync(dirname(file))).toEqual(['app.db']);
    const rows = Number(ask(file, 'SELECT max(a) FROM t'));
    expect(rows).toBeGreaterThanOrEqual(before);
    expect(ask(file, 'SELECT count(*) FROM t')).toBe(rows);
    expect(snapshot.databases[0]?.tables).toEqual([{ name: 't', rows }]);
    expect(ask(file, 'PRAGMA integrity_check')).toBe('ok');
    expect([ask(file, 'PRAGMA user_version'), ask(file, 'PRAGMA application_id')]).toEqual([7, 42]);
  });

  test('was killed and its index of the log is lost: the log counts all the same', async () => {
    const app = await startApp(lab.at('app.db'), [wal, 'PRAGMA wal_autocheckpoint = 0', table], "'INSERT INTO t VALUES (' + i + ')'");
    await app.kill();
    await rm(lab.at('app.db-shm'));
    const snapshot = await lab.capture();
    expect(Number(ask(join(await snapshot.restore(), 'app.db'), 'SELECT max(a) FROM t'))).toBeGreaterThanOrEqual(app.last());
  });

  test('was stopped, with a write-ahead log that is settled', async () => {
    sql(lab.at('app.db'), wal, table, 'INSERT INTO t VALUES (1)');
    expect(readdirSync(lab.root)).toEqual(['app.db']);
    const snapshot = await lab.capture();
    expect(readdirSync(lab.root)).toEqual(['app.db']);
    expect(ask(join(await snapshot.restore(), 'app.db'), 'SELECT a FROM t')).toBe(1);
    expect(snapshot.databases[0]?.details?.['journalMode']).toBe('wal');
  });

  test('was killed in the middle of a change, which is undone in the copy and not in the source', async () => {
    const big =
      'CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, hex(randomblob(300)) AS h, 0 AS done FROM n';
    // A cache of ten pages makes SQLite write the change to the file before it is committed.
    const half = ['PRAGMA cache_size = 10', big, 'BEGIN', 'UPDATE big SET done = 1, h = hex(randomblob(300))'];
    const app = await startApp(lab.at('app.db'), half, "'SELECT 1'");
    await app.kill();
    expect(statSync(lab.at('app.db-journal')).size).toBeGreaterThan(0);
    const snapshot = await lab.capture();
    const file = join(await snapshot.restore(), 'app.db');
    expect([ask(file, 'SELECT sum(done) FROM big'), ask(file, 'PRAGMA integrity_check')]).toEqual([0, 'ok']);
    expect(existsSync(lab.at('app.db-journal'))).toBe(true);
  });

  test('writes as fast as it can, and its readers come and go', async () => {
    await using app = await startApp(
      lab.at('app.db'),
      [wal, table, 'CREATE INDEX x ON t (a)'],
      "'BEGIN; INSERT INTO t VALUES (' + i + '); INSERT INTO t VALUES (-' + i + '); COMMIT'",
      0,
    );
    for (let round = 0; round < 5; round += 1) {
      const before = app.last();
      const snapshot = await lab.capture();
      expect(snapshot.failures).toEqual([]);
      const file = join(await snapshot.restore({ target: join(lab.work, `restored-${round}`) }), 'app.db');
      expect([ask(file, 'SELECT sum(a) FROM t'), ask(file, 'PRAGMA integrity_check')]).toEqual([0, 'ok']);
      expect(Number(ask(file, 'SELECT max(a) FROM t'))).toBeGreaterThanOrEqual(before);
    }
  });
});

test('an abort ends the copying at once', async () => {
  sql(
    lab.at('app.db'),
    table,
    'INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT i FROM n',
  );
  const stop = new AbortController();
  const ended = lab.capture({}, stop.signal).then(
    () => 'done',
    (error: Error) => error.message,
  );
  const copying = () => children().filter(({ argv }) => argv.includes('/sqlite/process'));
  await until(() => copying().length > 0);
  stop.abort(new Error('stopped'));
  expect(await ended).toBe('stopped');
  await until(() => copying().length === 0);
  expect([existsSync(lab.scratch), await lab.stored()]).toEqual([false, []]);
});
