import { describe, expect, test } from 'vitest';
import type { Mount } from '../../../src/docker/docker.ts';
import type { Service } from '../../../src/steps/discover.ts';
import { isInside } from '../../../src/steps/places.ts';
import { createMatcher } from '../../../src/steps/selection.ts';
import { planTrees } from '../../../src/steps/trees.ts';
import { bind, composeContainer, service, volume } from '../../support/builders.ts';
import { enabled, planned, postgres } from '../../support/planned.ts';

const app = (mounts: readonly Mount[], labels: Record<string, string> = {}, name = 'app') => service(name, { mounts, labels });
const project = (source = '/srv/shop') => app([bind(source, '/project', false)], { 'davit.files': '/project' }, 'davit');

/** `dataOf`: the servers' folders; those of `dumped` are dumped. `storage`: where the snapshots are. */
function trees(services: readonly Service[], storage: string, dumped: readonly string[] = [], dataOf: Record<string, string> = {}) {
  const { sources, skipped } = planTrees(
    services,
    { dumped: new Set(dumped), dataOf: new Map(Object.entries(dataOf)) },
    new Set([storage]),
  );
  return { sources, skipped: skipped.map(({ service: name, what, why }) => `${name} ${what}: ${why}`) };
}

describe('a folder of the host that holds others', () => {
  test('is archived without the snapshots and without the files of a server that is dumped', () => {
    const dataOf = { 'bind:/srv/shop/db': 'db', 'bind:/srv/shop/other': 'other', 'bind:/srv/shop2': 'far' };
    const { sources, skipped } = trees([project()], 'bind:/srv/shop/backups', ['db', 'far'], dataOf);
    expect(sources).toMatchObject([{ path: '/project', exclude: ['/project/db/**', '/project/backups/**'] }]);
    expect(skipped).toEqual([
      'davit /project/db: data directory of "db", which is dumped; a copy of it would be torn',
      'davit /project/backups: the snapshots themselves are stored here',
    ]);
  });

  test('loses nothing else, whatever their names are', () => {
    const name = 'a b/(x)[1]{2}*?!+@$^|\\ü';
    const [source] = trees([project()], `bind:/srv/shop/${name}`).sources;
    const isLeft = createMatcher(source?.exclude ?? []);
    const paths = [`/project/${name}`, `/project/${name}/x`, `/project/${name}/.x/y`, `/project/${name}2/x`, '/project/x'];
    expect(paths.map(isLeft)).toEqual([false, true, true, false, false]);
  });

  test('may be all of the host', () => {
    expect(trees([project('/')], 'bind:/srv/backups').sources).toMatchObject([{ exclude: ['/project/srv/backups/**'] }]);
  });

  test('and a folder among the snapshots or in the files of that server is not archived', () => {
    const mounts = [bind('/srv/backups/old', '/old'), bind('/srv/db/base', '/base')];
    expect(trees([app(mounts)], 'bind:/srv/backups', ['db'], { 'bind:/srv/db': 'db' }).sources).toEqual([]);
  });

  test('keeps them out also where another service archives all of it', () => {
    const services = [project(), app([bind('/srv/shop', '/all')], { 'davit.files.exclude': '/all/x' }, 'other')];
    expect(trees(services, 'bind:/srv/shop/backups').sources).toMatchObject([{ exclude: ['/project/backups/**'] }]);
  });
});

test('a volume that holds more than the snapshots is archived without them', () => {
  const { sources } = trees([app([volume('v', '/data')])], 'volume:v/backups');
  expect(sources).toMatchObject([{ path: '/data', exclude: ['/data/backups/**'] }]);
});

test('the files of a server in an archived folder are left out, unless nobody dumps it', async () => {
  const folder = composeContainer('project', { labels: enabled, mounts: [bind('/srv/shop', '/project')] });
  const db = (labels: Record<string, string>) => postgres(labels, { mounts: [bind('/srv/shop/db', '/var/lib/postgresql/data')] });
  for (const labels of [enabled, { 'davit.set': 'other' }, { 'davit.command.dump': 'dump', 'davit.dump': 'none' }]) {
    const found = await planned([folder, db(labels)]);
    expect(found.sources).toContainEqual(expect.objectContaining({ service: 'project', exclude: ['/project/db/**'] }));
    expect(found.warnings).toEqual([]);
  }
  const hot = await planned([folder, db({})]);
  expect(hot.sources).toMatchObject([{ service: 'project', exclude: [] }]);
  expect(hot.warnings).toEqual([
    expect.stringMatching(/^service "project": \/project holds the files of a database server that is not dumped/),
  ]);
});

test('paths are compared by segment', () => {
  expect(isInside('/data', '/data')).toBe(true);
  expect(isInside('/data/x', '/data')).toBe(true);
  expect(isInside('/data2', '/data')).toBe(false);
  expect(isInside('/data', '/data/x')).toBe(false);
  expect(isInside('/anything', '/')).toBe(true);
});

test('a folder of a volume is another place than the volume, and lies in it', () => {
  const inner = { ...volume('data', '/inner'), subpath: 'a/b' };
  const services = [
    app([inner], {}, 'one'),
    app([{ ...inner, destination: '/same' }], {}, 'two'),
    app([volume('data', '/all')], {}, 'three'),
  ];
  const { sources, skipped } = trees(services, 'volume:data/a/b/backups');
  expect(sources).toMatchObject([
    { path: '/inner', mount: { source: 'data', subpath: 'a/b' }, exclude: ['/inner/backups/**'] },
    { path: '/all', exclude: ['/all/a/b/backups/**'] },
  ]);
  expect(skipped).toContain('two /same: same volume as /inner of "one", stored once');
});
