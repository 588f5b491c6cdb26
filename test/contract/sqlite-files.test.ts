import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../support/processes.ts';
import { ask, sql, startApp } from '../support/sqlite.ts';
import { createTreeLab, type TreeLab } from '../support/tree-lab.ts';

let lab: TreeLab;
beforeEach(async () => void (lab = await createTreeLab()));
afterEach(() => lab[Symbol.asyncDispose]());

const wal = 'PRAGMA journal_mode = wal';
const table = 'CREATE TABLE t (a)';

describe('which files', () => {
  test('are databases is decided by their first bytes, whatever they are called', async () => {
    const odd = ['a b.sqlite', 'no-extension', 'sub/ü?&#%41.db', "it's [x]*", '-dash', 'new\nline', 'back\\slash', 'trailing '];
    mkdirSync(lab.at('sub'));
    for (const name of odd) sql(lab.at(name), wal, table, `INSERT INTO t VALUES ('${name.replaceAll("'", "''")}')`);
    writeFileSync(lab.at('fake.db'), 'SQLite is not here');
    writeFileSync(lab.at('empty.db'), '');
    execFileSync('mkfifo', [lab.at('pipe.db')]);
    const snapshot = await lab.capture();
    expect(snapshot.warnings).toEqual([]);
    expect(snapshot.names).toEqual(odd.map((name) => `sqlite/data/${name}`).toSorted());
    expect(await snapshot.members()).toEqual(['./empty.db', './fake.db', './pipe.db']);
    const target = await snapshot.restore();
    for (const name of odd) expect(ask(join(target, name), 'SELECT a FROM t')).toBe(name);
  });

  test('are looked at, the label and the globs decide', async () => {
    mkdirSync(lab.at('cache'));
    for (const name of ['one.db', 'two.db', 'cache/three.db']) sql(lab.at(name), table);
    expect((await lab.capture({ sqlite: 'none' })).names).toEqual([]);
    expect(await (await lab.capture({ sqlite: 'none' })).members()).toEqual(['./cache/three.db', './one.db', './two.db']);
    const some = await lab.capture({ sqlite: ['/data/on*', '/elsewhere/x.db', '/data/nothing.db'] });
    expect(some.names).toEqual(['sqlite/data/one.db']);
    expect(some.warnings).toEqual(['davit.sqlite: /data/nothing.db matches no SQLite database']);
    expect(await some.members()).toEqual(['./cache/three.db', './two.db']);
    const without = await lab.capture({ exclude: ['/data/cache/**'] });
    expect(without.names).toEqual(['sqlite/data/one.db', 'sqlite/data/two.db']);
  });

  test('SQLite cannot read are archived as they lie there, with a warning', async () => {
    writeFileSync(lab.at('garbage.db'), `SQLite format 3\0${'x'.repeat(5000)}`);
    sql(lab.at('short.db'), table, 'INSERT INTO t VALUES (zeroblob(50000))');
    truncateSync(lab.at('short.db'), 20_000);
    sql(lab.at('good.db'), table);
    const snapshot = await lab.capture();
    expect(snapshot).toMatchObject({ names: ['sqlite/data/good.db'], failures: [] });
    expect(snapshot.warnings.toSorted()).toEqual([
      expect.stringMatching(/^garbage\.db: begins like a SQLite database, but SQLite cannot read it \(file is not a database\)/),
      expect.stringMatching(/^short\.db: begins like a SQLite database, but SQLite cannot read it \(database disk image is malformed\)/),
    ]);
    expect(await snapshot.members()).toEqual(['./garbage.db', './short.db']);
  });

  test('are damaged inside is said, and they are stored', async () => {
    sql(lab.at('app.db'), 'PRAGMA page_size = 1024', table, 'CREATE INDEX x ON t (a)', 'INSERT INTO t VALUES (1), (2)');
    const database = ask(lab.at('app.db'), "SELECT rootpage FROM sqlite_schema WHERE name = 'x'");
    execFileSync('dd', [
      'if=/dev/zero',
      `of=${lab.at('app.db')}`,
      'bs=1024',
      `seek=${Number(database) - 1}`,
      'count=1',
      'conv=notrunc',
      'status=none',
    ]);
    const snapshot = await lab.capture();
    expect(snapshot.databases[0]?.warnings?.[0]).toMatch(/integrity check says that it is damaged/);
    expect(ask(join(await snapshot.restore(), 'app.db'), 'SELECT count(*) FROM t NOT INDEXED')).toBe(2);
  });

  test('have a schema that SQLite does not understand are stored all the same', async () => {
    sql(
      lab.at('app.db'),
      table,
      'PRAGMA writable_schema = 1',
      "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 99, 'CREATE NONSENSE')",
    );
    const snapshot = await lab.capture();
    expect(snapshot).toMatchObject({ failures: [], names: ['sqlite/data/app.db'] });
    expect(snapshot.databases[0]?.warnings?.[0]).toMatch(/says that it is damaged: malformed database schema/);
  });

  test('need what only their app has are copied, and less is checked', async () => {
    sql(
      lab.at('app.db'),
      'CREATE TABLE t (a TEXT)',
      'CREATE INDEX x ON t (a)',
      'INSERT INTO t VALUES (1)',
      'PRAGMA writable_schema = 1',
      `UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a TEXT COLLATE klingon)' WHERE name = 't'`,
    );
    sql(
      lab.at('app.db'),
      'PRAGMA writable_schema = 1',
      `INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING nowhere(a)')`,
    );
    const snapshot = await lab.capture();
    expect(snapshot).toMatchObject({ failures: [], names: ['sqlite/data/app.db'] });
    expect(snapshot.databases[0]).toMatchObject({
      details: { integrity: 'unchecked' },
      tables: [{ name: 't', rows: 1 }],
      warnings: ['its integrity could not be checked: no such collation sequence: klingon'],
    });
  });

  test('change under our hands, where no lock is to be had, are a failure', async () => {
    sql(lab.at('app.db'), wal, table, 'INSERT INTO t VALUES (zeroblob(60000000))');
    const code = `for (let i = 1; ; i += 1) require('node:fs').utimesSync(${JSON.stringify(lab.at('app.db'))}, i, i)`;
    const writer = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    try {
      await until(() => statSync(lab.at('app.db')).mtimeMs < 1e9);
      const { failures } = await lab.capture();
      expect(failures).toEqual([{ source: 'sqlite/data/app.db', error: expect.stringContaining('could not be copied in one moment') }]);
    } finally {
      writer.kill('SIGKILL');
    }
  });

  test.each([
    ['for the database', 3_000_000, []],
    ['for what is in its log', 10, ['PRAGMA wal_autocheckpoint = 0', 'INSERT INTO t VALUES (zeroblob(3000000))']],
  ] as const)('find no space for their copy are a failure that says so: %s', async (_, bytes, more) => {
    const full = join(lab.work, 'full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', full]);
    try {
      const app = await startApp(lab.at('app.db'), [wal, table, `INSERT INTO t VALUES (zeroblob(${bytes}))`, ...more], "'SELECT 1'", 1000);
      const { failures } = await lab.capture({ scratch: join(full, 'scratch') });
      await app.kill();
      expect(failures).toEqual([
        { source: 'sqlite/data/app.db', error: expect.stringMatching(/no space for a safe copy of the SQLite database in .*full/) },
      ]);
    } finally {
      execFileSync('umount', [full]);
    }
  });

  test('stay locked are a failure, and are archived as they lie there', async () => {
    sql(lab.at('free.db'), table);
    await using _app = await startApp(
      lab.at('app.db'),
      ['PRAGMA locking_mode = exclusive', table],
      "'INSERT INTO t VALUES (' + i + ')'",
      100,
    );
    const snapshot = await lab.capture();
    expect(snapshot.names).toEqual(['sqlite/data/free.db']);
    expect(snapshot.failures).toEqual([
      {
        source: 'sqlite/data/app.db',
        error: expect.stringMatching(/^\/data\/app\.db: the SQLite database stayed locked by its app: .* — .*quiesce=stop/),
      },
    ]);
    expect(await snapshot.members()).toContain('./app.db');
  });
});
