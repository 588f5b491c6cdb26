import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifact } from '../../src/model/snapshot.ts';
import { describe, afterEach, beforeEach, expect, test } from 'vitest';
import { ask, sql, startApp } from '../support/sqlite.ts';
import { createTreeLab, type TreeLab } from '../support/tree-lab.ts';

let lab: TreeLab;
beforeEach(async () => void (lab = await createTreeLab()));
afterEach(() => lab[Symbol.asyncDispose]());

const wal = 'PRAGMA journal_mode = wal';
const table = 'CREATE TABLE t (a)';

describe('a restore', () => {
  test('gives back owner, mode and time', async () => {
    sql(lab.at('app.db'), table);
    chownSync(lab.at('app.db'), 1234, 5678);
    chmodSync(lab.at('app.db'), 0o640);
    utimesSync(lab.at('app.db'), 1e9, 1e9);
    const { uid, gid, mode, mtimeMs } = statSync(join(await (await lab.capture()).restore(), 'app.db'));
    expect({ uid, gid, mode: mode & 0o7777, mtimeMs }).toEqual({ uid: 1234, gid: 5678, mode: 0o640, mtimeMs: 1e12 });
  });

  test('leaves no log or journal beside another database, whatever part of the tree comes back', async () => {
    mkdirSync(lab.at('sub'));
    for (const name of ['app.db', 'sub/app.db']) sql(lab.at(name), wal, table, 'INSERT INTO t VALUES (1)');
    writeFileSync(lab.at('other'), 'old');
    const snapshot = await lab.capture();
    const spoil = async (): Promise<void> => {
      for (const name of ['app.db', 'sub/app.db']) {
        const app = await startApp(lab.at(name), ['PRAGMA wal_autocheckpoint = 0'], "'INSERT INTO t VALUES (2)'", 1000);
        await app.kill();
      }
      writeFileSync(lab.at('other'), 'new');
    };
    const state = (): unknown[] => [
      ...['app.db', 'sub/app.db'].map((name) => (existsSync(lab.at(`${name}-wal`)) ? 'new' : ask(lab.at(name), 'SELECT max(a) FROM t'))),
      statSync(lab.at('other')).size,
    ];
    const [tree, ...databases] = snapshot.manifest.artifacts as [Artifact, ...Artifact[]];
    const isIn = (folder: string) => databases.filter(({ path = '' }) => path.startsWith(folder));

    await spoil();
    await snapshot.restore({ target: lab.root, artifacts: isIn('/data/sub') });
    expect(existsSync(lab.at('app.db-wal'))).toBe(true);
    expect([existsSync(lab.at('sub/app.db-wal')), ask(lab.at('sub/app.db'), 'SELECT max(a) FROM t')]).toEqual([false, 1]);
    await spoil();
    await snapshot.restore({ target: lab.root, only: 'sub', artifacts: [tree, ...isIn('/data/sub')] });
    expect(state().slice(0, 2)).toEqual(['new', 1]);
    await spoil();
    await snapshot.restore({ target: lab.root });
    expect(state()).toEqual([1, 1, 3]);
  });

  test('brings a database without its folder, for the owner of the database', async () => {
    mkdirSync(lab.at('a/b'), { recursive: true });
    sql(lab.at('a/b/app.db'), table);
    chownSync(lab.at('a/b/app.db'), 1234, 5678);
    const snapshot = await lab.capture();
    const target = await snapshot.restore({ artifacts: snapshot.manifest.artifacts.filter(({ kind }) => kind === 'sqlite') });
    expect([target, join(target, 'a'), join(target, 'a/b')].map((folder) => statSync(folder).uid)).toEqual([0, 1234, 1234]);
  });

  test('follows no link out of the tree', async () => {
    mkdirSync(lab.at('a'));
    sql(lab.at('a/app.db'), table);
    const snapshot = await lab.capture();
    const [target, elsewhere] = [join(lab.work, 'restored'), join(lab.work, 'elsewhere')];
    mkdirSync(target);
    mkdirSync(elsewhere);
    execFileSync('ln', ['-s', elsewhere, join(target, 'a')]);
    const alone = snapshot.manifest.artifacts.filter(({ kind }) => kind === 'sqlite');
    await expect(snapshot.restore({ target, artifacts: alone })).rejects.toThrow('is no folder');
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('of one database that was archived as it lay there brings its log as well', async () => {
    const app = await startApp(lab.at('app.db'), [wal, 'PRAGMA wal_autocheckpoint = 0', table], "'INSERT INTO t VALUES (1)'", 1000);
    await app.kill();
    const snapshot = await lab.capture({ sqlite: 'none' });
    const late = await startApp(lab.at('app.db'), ['PRAGMA wal_autocheckpoint = 0'], "'INSERT INTO t VALUES (2)'", 1000);
    await late.kill();
    await snapshot.restore({ target: lab.root, only: 'app.db' });
    expect(ask(lab.at('app.db'), 'SELECT group_concat(a) FROM t')).toBe('1');
  });
});

describe('a tree that is one file', () => {
  test('is a database: it is overwritten in place, because it may be mounted', async () => {
    sql(lab.at('app.db'), table, 'INSERT INTO t VALUES (1)');
    const file = { root: lab.at('app.db'), path: '/app.db' };
    const snapshot = await lab.capture(file);
    expect(snapshot).toMatchObject({ names: ['sqlite/app.db'], failures: [] });
    expect(snapshot.tree).toBeUndefined();
    sql(lab.at('app.db'), 'INSERT INTO t VALUES (2)');
    const { ino } = statSync(lab.at('app.db'));
    await snapshot.restore({ target: lab.at('app.db') });
    expect([ask(lab.at('app.db'), 'SELECT max(a) FROM t'), statSync(lab.at('app.db')).ino]).toEqual([1, ino]);
  });

  test('has its log elsewhere, and fails', async () => {
    sql(lab.at('app.db'), wal, table);
    const snapshot = await lab.capture({ root: lab.at('app.db'), path: '/app.db' });
    expect(snapshot.failures).toEqual([{ source: 'sqlite/app.db', error: expect.stringContaining('mounted as a single file') }]);
    expect(snapshot.tree).toBeDefined();
  });
});
