import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Artifact, Manifest } from '../../src/model/snapshot.ts';
import { captureTree, type CaptureResult, extractTree } from '../../src/steps/job.ts';
import { children } from '../support/processes.ts';
import { createPortable } from '../support/repositories.ts';
import { manifestOf, newAddress } from '../support/snapshots.ts';
import { ask, sql, startApp } from '../support/sqlite.ts';
import { openFilesystem } from '../support/storages.ts';

/** The jobs of a worker, on real databases: what is captured comes back with the last committed row, whatever their app was doing. */

let work = '';
let root = '';
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'davit-sqlite-test-'));
  root = join(work, 'tree');
  mkdirSync(root);
});
afterEach(() => rm(work, { recursive: true, force: true }));

const at = (name: string): string => join(root, name);
const wal = 'PRAGMA journal_mode = wal';
const table = 'CREATE TABLE t (a)';
const signal = new AbortController().signal;

interface Snapshot extends CaptureResult {
  readonly manifest: Manifest;
  readonly names: string[];
  /** Members of the tar. */
  members(): Promise<string[]>;
  /** Into an empty folder, or over what is there. */
  restore(change?: { target?: string; only?: string; artifacts?: readonly Artifact[] }): Promise<string>;
}

async function capture(
  sqlite: 'auto' | 'none' | string[] = 'auto',
  change: { root?: string; path?: string; exclude?: string[] } = {},
): Promise<Snapshot> {
  const { storage } = await openFilesystem().then((place) => (places.push(place), place));
  const repository = createPortable(storage);
  const address = newAddress('sqlite');
  const artifact = { service: 'app', name: 'files/data', extension: 'tar' };
  const path = change.path ?? '/data';
  const globs = { include: [], exclude: change.exclude ?? [] };
  const job = { kind: 'capture', address, artifact, root, path, sqlite, scratch: join(work, 'scratch'), ...globs, ...change } as const;
  const result = await captureTree(repository, job, signal);
  const times = { startedAt: '2026-11-21T03:00:00.000Z', endedAt: '2026-11-21T03:00:00.000Z' };
  const tree: Artifact[] =
    result.tree === undefined ? [] : [{ ...result.tree, ...artifact, ...times, kind: 'files', engine: 'files', path }];
  const databases = result.databases.map((database) => ({ ...database, service: 'app' }));
  const manifest = manifestOf(address, [...tree, ...databases]);
  await repository.begin(address).commit(manifest);
  expect(existsSync(join(work, 'scratch'))).toBe(false);
  return {
    ...result,
    manifest,
    names: databases.map(({ name }) => name),
    async members() {
      const [archive] = tree;
      if (archive === undefined) return [];
      const bytes = await repository.read(manifest, archive).then((stream) => stream.toArray());
      const listed = execFileSync('tar', ['--list', '--quoting-style=literal'], {
        input: Buffer.concat(bytes as Buffer[]),
        encoding: 'utf8',
      });
      return listed
        .split('\n')
        .filter((line) => line !== '' && !line.endsWith('/'))
        .toSorted();
    },
    async restore({ target = join(work, 'restored'), only, artifacts = manifest.artifacts } = {}) {
      if (!existsSync(target)) mkdirSync(target);
      await extractTree(
        repository,
        {
          kind: 'extract',
          manifest,
          artifact: artifacts.find(({ kind }) => kind === 'files'),
          databases: artifacts.filter(({ kind }) => kind === 'sqlite'),
          root: target,
          path,
          only,
          ...globs,
        },
        signal,
      );
      return target;
    },
  };
}

const places: AsyncDisposable[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place[Symbol.asyncDispose]();
});

describe('the last committed row is there when its app', () => {
  test.each([
    ['writes, with a write-ahead log', [wal, table], false],
    ['writes, with a rollback journal', [table], false],
    ['writes, with a journal that persists', ['PRAGMA journal_mode = persist', table], false],
    ['was killed, with a write-ahead log', [wal, table], true],
    ['was killed, with a rollback journal', [table], true],
  ] as const)('%s', async (_, prepare, killed) => {
    await using app = await startApp(
      at('app.db'),
      [...prepare, 'PRAGMA user_version = 7', 'PRAGMA application_id = 42'],
      "'INSERT INTO t VALUES (' + i + ')'",
    );
    if (killed) await app.kill();
    const before = app.last();
    const atRest = killed ? readdirSync(root) : [];
    const snapshot = await capture();
    await app.kill();
    expect(snapshot).toMatchObject({ failures: [], warnings: [], names: ['sqlite/data/app.db'] });
    expect(snapshot.databases[0]).toMatchObject({
      details: { integrity: 'ok', userVersion: '7', applicationId: '42' },
      tables: [{ name: 't' }],
    });
    expect(await snapshot.members()).toEqual([]);
    if (killed) expect(readdirSync(root)).toEqual(atRest);

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
    const app = await startApp(at('app.db'), [wal, 'PRAGMA wal_autocheckpoint = 0', table], "'INSERT INTO t VALUES (' + i + ')'");
    await app.kill();
    await rm(at('app.db-shm'));
    const snapshot = await capture();
    expect(Number(ask(join(await snapshot.restore(), 'app.db'), 'SELECT max(a) FROM t'))).toBeGreaterThanOrEqual(app.last());
  });

  test('was stopped, with a write-ahead log that is settled', async () => {
    sql(at('app.db'), wal, table, 'INSERT INTO t VALUES (1)');
    expect(readdirSync(root)).toEqual(['app.db']);
    const snapshot = await capture();
    expect(readdirSync(root)).toEqual(['app.db']);
    expect(ask(join(await snapshot.restore(), 'app.db'), 'SELECT a FROM t')).toBe(1);
    expect(snapshot.databases[0]?.details?.['journalMode']).toBe('wal');
  });

  test('was killed in the middle of a change, which is undone in the copy and not in the source', async () => {
    const big =
      'CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, hex(randomblob(300)) AS h, 0 AS done FROM n';
    // A cache of ten pages makes SQLite write the change to the file before it is committed.
    const half = ['PRAGMA cache_size = 10', big, 'BEGIN', 'UPDATE big SET done = 1, h = hex(randomblob(300))'];
    const app = await startApp(at('app.db'), half, "'SELECT 1'");
    await app.kill();
    expect(statSync(at('app.db-journal')).size).toBeGreaterThan(0);
    const snapshot = await capture();
    const file = join(await snapshot.restore(), 'app.db');
    expect([ask(file, 'SELECT sum(done) FROM big'), ask(file, 'PRAGMA integrity_check')]).toEqual([0, 'ok']);
    expect(existsSync(at('app.db-journal'))).toBe(true);
  });

  test('writes as fast as it can, and its readers come and go', async () => {
    await using app = await startApp(
      at('app.db'),
      [wal, table, 'CREATE INDEX x ON t (a)'],
      "'BEGIN; INSERT INTO t VALUES (' + i + '); INSERT INTO t VALUES (-' + i + '); COMMIT'",
      0,
    );
    for (let round = 0; round < 5; round += 1) {
      const before = app.last();
      const snapshot = await capture();
      expect(snapshot.failures).toEqual([]);
      const file = join(await snapshot.restore({ target: join(work, `restored-${round}`) }), 'app.db');
      expect([ask(file, 'SELECT sum(a) FROM t'), ask(file, 'PRAGMA integrity_check')]).toEqual([0, 'ok']);
      expect(Number(ask(file, 'SELECT max(a) FROM t'))).toBeGreaterThanOrEqual(before);
    }
  });
});

describe('which files', () => {
  test('are databases is decided by their first bytes, whatever they are called', async () => {
    const odd = ['a b.sqlite', 'no-extension', 'sub/ü?&#%41.db', "it's [x]*", '-dash', 'new\nline', 'back\\slash', 'trailing '];
    mkdirSync(at('sub'));
    for (const name of odd) sql(at(name), wal, table, `INSERT INTO t VALUES ('${name.replaceAll("'", "''")}')`);
    writeFileSync(at('fake.db'), 'SQLite is not here');
    writeFileSync(at('empty.db'), '');
    execFileSync('mkfifo', [at('pipe.db')]);
    const snapshot = await capture();
    expect(snapshot.warnings).toEqual([]);
    expect(snapshot.names.toSorted()).toEqual(odd.map((name) => `sqlite/data/${name}`).toSorted());
    expect(await snapshot.members()).toEqual(['./empty.db', './fake.db', './pipe.db']);
    const target = await snapshot.restore();
    for (const name of odd) expect(ask(join(target, name), 'SELECT a FROM t')).toBe(name);
  });

  test('are looked at, the label and the globs decide', async () => {
    mkdirSync(at('cache'));
    for (const name of ['one.db', 'two.db', 'cache/three.db']) sql(at(name), table);
    expect((await capture('none')).names).toEqual([]);
    expect(await (await capture('none')).members()).toEqual(['./cache/three.db', './one.db', './two.db']);
    const some = await capture(['/data/on*', '/elsewhere/x.db', '/data/nothing.db']);
    expect(some.names).toEqual(['sqlite/data/one.db']);
    expect(some.warnings).toEqual(['davit.sqlite: /data/nothing.db matches no SQLite database']);
    expect(await some.members()).toEqual(['./cache/three.db', './two.db']);
    const without = await capture('auto', { exclude: ['/data/cache/**'] });
    expect(without.names.toSorted()).toEqual(['sqlite/data/one.db', 'sqlite/data/two.db']);
  });

  test('SQLite cannot read are archived as they lie there, with a warning', async () => {
    writeFileSync(at('garbage.db'), `SQLite format 3\0${'x'.repeat(5000)}`);
    sql(at('short.db'), table, 'INSERT INTO t VALUES (zeroblob(50000))');
    truncateSync(at('short.db'), 20_000);
    sql(at('good.db'), table);
    const snapshot = await capture();
    expect(snapshot).toMatchObject({ names: ['sqlite/data/good.db'], failures: [] });
    expect(snapshot.warnings.toSorted()).toEqual([
      expect.stringMatching(/^garbage\.db: begins like a SQLite database, but SQLite cannot read it \(file is not a database\)/),
      expect.stringMatching(/^short\.db: begins like a SQLite database, but SQLite cannot read it \(database disk image is malformed\)/),
    ]);
    expect(await snapshot.members()).toEqual(['./garbage.db', './short.db']);
  });

  test('are damaged inside is said, and they are stored', async () => {
    sql(at('app.db'), 'PRAGMA page_size = 1024', table, 'CREATE INDEX x ON t (a)', 'INSERT INTO t VALUES (1), (2)');
    const database = ask(at('app.db'), "SELECT rootpage FROM sqlite_schema WHERE name = 'x'");
    execFileSync('dd', [
      'if=/dev/zero',
      `of=${at('app.db')}`,
      'bs=1024',
      `seek=${Number(database) - 1}`,
      'count=1',
      'conv=notrunc',
      'status=none',
    ]);
    const snapshot = await capture();
    expect(snapshot.databases[0]?.warnings?.[0]).toMatch(/integrity check says that it is damaged/);
    expect(ask(join(await snapshot.restore(), 'app.db'), 'SELECT count(*) FROM t NOT INDEXED')).toBe(2);
  });

  test('need what only their app has are copied, and less is checked', async () => {
    sql(
      at('app.db'),
      'CREATE TABLE t (a TEXT)',
      'INSERT INTO t VALUES (1)',
      'PRAGMA writable_schema = 1',
      `UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a TEXT COLLATE klingon)'`,
    );
    sql(
      at('app.db'),
      'PRAGMA writable_schema = 1',
      `INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING nowhere(a)')`,
    );
    const snapshot = await capture();
    expect(snapshot).toMatchObject({ failures: [], names: ['sqlite/data/app.db'] });
    expect(snapshot.databases[0]?.details?.['integrity']).toMatch(/^(ok|unchecked)$/);
  });

  test('stay locked are a failure, and are archived as they lie there', async () => {
    sql(at('free.db'), table);
    await using _app = await startApp(at('app.db'), ['PRAGMA locking_mode = exclusive', table], "'INSERT INTO t VALUES (' + i + ')'", 100);
    const snapshot = await capture();
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

describe('a restore', () => {
  test('gives back owner, mode and time', async () => {
    sql(at('app.db'), table);
    chownSync(at('app.db'), 1234, 5678);
    chmodSync(at('app.db'), 0o640);
    utimesSync(at('app.db'), 1e9, 1e9);
    const { uid, gid, mode, mtimeMs } = statSync(join(await (await capture()).restore(), 'app.db'));
    expect({ uid, gid, mode: mode & 0o7777, mtimeMs }).toEqual({ uid: 1234, gid: 5678, mode: 0o640, mtimeMs: 1e12 });
  });

  test('leaves no log or journal beside another database, whatever part of the tree comes back', async () => {
    mkdirSync(at('sub'));
    for (const name of ['app.db', 'sub/app.db']) sql(at(name), wal, table, 'INSERT INTO t VALUES (1)');
    writeFileSync(at('other'), 'old');
    const snapshot = await capture();
    const spoil = async (): Promise<void> => {
      for (const name of ['app.db', 'sub/app.db']) {
        const app = await startApp(at(name), ['PRAGMA wal_autocheckpoint = 0'], "'INSERT INTO t VALUES (2)'", 1000);
        await app.kill();
      }
      writeFileSync(at('other'), 'new');
    };
    const state = (): unknown[] => [
      ...['app.db', 'sub/app.db'].map((name) => (existsSync(at(`${name}-wal`)) ? 'new' : ask(at(name), 'SELECT max(a) FROM t'))),
      statSync(at('other')).size,
    ];
    const [tree, ...databases] = snapshot.manifest.artifacts as [Artifact, ...Artifact[]];
    const isIn = (folder: string) => databases.filter(({ path = '' }) => path.startsWith(folder));

    await spoil();
    await snapshot.restore({ target: root, artifacts: isIn('/data/sub') });
    expect(existsSync(at('app.db-wal'))).toBe(true);
    expect([existsSync(at('sub/app.db-wal')), ask(at('sub/app.db'), 'SELECT max(a) FROM t')]).toEqual([false, 1]);
    await spoil();
    await snapshot.restore({ target: root, only: 'sub', artifacts: [tree, ...isIn('/data/sub')] });
    expect(state().slice(0, 2)).toEqual(['new', 1]);
    await spoil();
    await snapshot.restore({ target: root });
    expect(state()).toEqual([1, 1, 3]);
  });

  test('brings a database without its folder, for the owner of the database', async () => {
    mkdirSync(at('a/b'), { recursive: true });
    sql(at('a/b/app.db'), table);
    chownSync(at('a/b/app.db'), 1234, 5678);
    const snapshot = await capture();
    const target = await snapshot.restore({ artifacts: snapshot.manifest.artifacts.filter(({ kind }) => kind === 'sqlite') });
    expect([target, join(target, 'a'), join(target, 'a/b')].map((folder) => statSync(folder).uid)).toEqual([0, 1234, 1234]);
  });

  test('follows no link out of the tree', async () => {
    mkdirSync(at('a'));
    sql(at('a/app.db'), table);
    const snapshot = await capture();
    const [target, elsewhere] = [join(work, 'restored'), join(work, 'elsewhere')];
    mkdirSync(target);
    mkdirSync(elsewhere);
    execFileSync('ln', ['-s', elsewhere, join(target, 'a')]);
    const alone = snapshot.manifest.artifacts.filter(({ kind }) => kind === 'sqlite');
    await expect(snapshot.restore({ target, artifacts: alone })).rejects.toThrow('is a link that leads out of the tree');
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('of one database that was archived as it lay there brings its log as well', async () => {
    const app = await startApp(at('app.db'), [wal, 'PRAGMA wal_autocheckpoint = 0', table], "'INSERT INTO t VALUES (1)'", 1000);
    await app.kill();
    const snapshot = await capture('none');
    for (const suffix of ['', '-wal', '-shm']) copyFileSync(at(`app.db${suffix}`), join(work, `kept${suffix}`));
    const late = await startApp(at('app.db'), ['PRAGMA wal_autocheckpoint = 0'], "'INSERT INTO t VALUES (2)'", 1000);
    await late.kill();
    await snapshot.restore({ target: root, only: 'app.db' });
    expect(ask(at('app.db'), 'SELECT group_concat(a) FROM t')).toBe('1');
  });
});

describe('a tree that is one file', () => {
  test('is a database: it is overwritten in place, because it may be mounted', async () => {
    sql(at('app.db'), table, 'INSERT INTO t VALUES (1)');
    const file = { root: at('app.db'), path: '/app.db' };
    const snapshot = await capture('auto', file);
    expect(snapshot).toMatchObject({ names: ['sqlite/app.db'], failures: [] });
    expect(snapshot.tree).toBeUndefined();
    sql(at('app.db'), 'INSERT INTO t VALUES (2)');
    const { ino } = statSync(at('app.db'));
    await snapshot.restore({ target: at('app.db') });
    expect([ask(at('app.db'), 'SELECT max(a) FROM t'), statSync(at('app.db')).ino]).toEqual([1, ino]);
  });

  test('has its log elsewhere, and fails', async () => {
    sql(at('app.db'), wal, table);
    const snapshot = await capture('auto', { root: at('app.db'), path: '/app.db' });
    expect(snapshot.failures).toEqual([{ source: 'sqlite/app.db', error: expect.stringContaining('mounted as a single file') }]);
    expect(snapshot.tree).toBeDefined();
  });
});

test('an abort ends the copying at once', async () => {
  sql(
    at('app.db'),
    table,
    'INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT i FROM n',
  );
  const { storage } = await openFilesystem().then((place) => (places.push(place), place));
  const stop = new AbortController();
  const artifact = { service: 'app', name: 'files/data', extension: 'tar' };
  const job = {
    kind: 'capture',
    address: newAddress('sqlite'),
    artifact,
    root,
    path: '/data',
    sqlite: 'auto',
    scratch: join(work, 'scratch'),
    include: [],
    exclude: [],
  } as const;
  const running = captureTree(createPortable(storage), { ...job, include: [], exclude: [] }, stop.signal);
  const ended = running.then(
    () => 'done',
    (error: Error) => error.message,
  );
  while (!children().some(({ argv }) => argv.includes('/sqlite/process'))) await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error('stopped'));
  expect(await ended).toBe('stopped');
  expect(children().filter(({ argv }) => argv.includes('/sqlite/process'))).toEqual([]);
  expect(existsSync(join(work, 'scratch'))).toBe(false);
  expect(await Array.fromAsync(storage.list(''))).toEqual([]);
});
