import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileName } from '../../../src/repository/portable/layout.ts';
import type { SnapshotWriter } from '../../../src/repository/repository.ts';
import { placesOf } from '../../../src/steps/files.ts';
import { exclusions } from '../../../src/steps/selection.ts';
import { captureDatabases } from '../../../src/steps/sqlite-search.ts';
import { databaseName } from '../../../src/steps/sqlite.ts';
import { artifactsOfShop, filesArtifact, sqliteArtifact } from '../../support/builders.ts';

describe('the name of a database', () => {
  const file = (path: string): string =>
    fileName({ service: 's'.repeat(63), name: databaseName(path), extension: 'sqlite' }, ['.zst', '.age']);

  test.each(['/data/vault.db', '/config/ü &?#.sqlite3', `/${'a'.repeat(170)}`])('is readable: %s', (path) => {
    expect(databaseName(path)).toBe(`sqlite${path}`);
    expect(file(path)).toContain('/sqlite/');
  });

  test.each([`/${'a'.repeat(255)}`, `/${'ü'.repeat(100)}`, `/${'abcdefgh/'.repeat(90)}x`])(
    'is short where the path is too long: %s',
    (path) => {
      expect(databaseName(path)).toMatch(/^sqlite\/[0-9a-f]{16}$/);
      expect(databaseName(path)).not.toBe(databaseName(`${path}2`));
      expect(file(path)).toContain('/sqlite/');
    },
  );
});

test('databases go back together with their tree; those without one together with their volume', () => {
  const [, , , data, inner] = artifactsOfShop();
  if (data === undefined || inner === undefined) throw new Error('the shop has no trees');
  const mount = (destination: string) => ({ mount: { type: 'volume', source: 'v', destination } });
  const [a, b] = [sqliteArtifact('app', '/data/a.db'), sqliteArtifact('app', '/data/inner/b.db')];
  const [c, d] = ['/x/c.db', '/x/y/d.db'].map((path) => sqliteArtifact('web', path, mount('/x')));
  if (c === undefined || d === undefined) throw new Error('no databases');
  const places = placesOf([a, b, c, d, data, inner, filesArtifact('web', '/other')]);
  expect(places.map(({ service, path, tree, databases }) => [service, path, tree?.name, databases.map(({ name }) => name)])).toEqual([
    ['app', '/data', 'files/data', ['sqlite/data/a.db']],
    ['app', '/data/inner', 'files/data/inner', ['sqlite/data/inner/b.db']],
    ['web', '/other', 'files/other', []],
    ['web', '/x', undefined, ['sqlite/x/c.db', 'sqlite/x/y/d.db']],
  ]);
});

test('every file that is kept is seen, and none that is left out', async () => {
  const root = await mkdtemp(join(tmpdir(), 'davit-unit-'));
  try {
    for (const folder of ['keep/deep', 'cache']) await mkdir(join(root, folder), { recursive: true });
    for (const file of ['a', 'keep/b', 'keep/deep/c', 'cache/d']) await writeFile(join(root, file), '');
    const seen = async (include: string[], exclude: string[]): Promise<string[]> => {
      const files: string[] = [];
      await exclusions(root, '/data', { include, exclude }, (file) => void files.push(file));
      return files.toSorted();
    };
    expect(await seen([], [])).toEqual(['a', 'cache/d', 'keep/b', 'keep/deep/c']);
    expect(await seen([], ['/data/cache'])).toEqual(['a', 'keep/b', 'keep/deep/c']);
    expect(await seen(['/data/keep'], ['/data/keep/deep/**'])).toEqual(['keep/b']);
  } finally {
    await rm(root, { recursive: true });
  }
});

test('a database that vanishes before it is read is a warning', async () => {
  const job = {
    root: '/nowhere',
    path: '/data',
    sqlite: 'auto',
    artifact: { service: 'app' },
    scratch: join(tmpdir(), 'davit-unit-scratch'),
  } as const;
  const findings = { databases: ['gone.db'], warnings: [] };
  expect(await captureDatabases({} as SnapshotWriter, job, true, findings, new AbortController().signal)).toEqual({
    databases: [],
    failures: [],
    warnings: ['gone.db: vanished before it was read'],
    live: [],
  });
});
