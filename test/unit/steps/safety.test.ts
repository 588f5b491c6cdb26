import { describe, expect, test } from 'vitest';
import type { Service } from '../../../src/steps/discover.ts';
import { asReplaced, replacedTrees } from '../../../src/steps/safety.ts';
import { planTrees } from '../../../src/steps/trees.ts';
import { configurationError } from '../../../src/model/errors.ts';
import { artifact, filesArtifact, manifest, service, sqliteArtifact, stack, volume } from '../../support/builders.ts';

const tree = filesArtifact('app', '/data');
const shop = artifact({ service: 'db', name: 'shop', engine: 'mariadb' });

describe('before a restore, a service is saved with what is replaced of it', () => {
  const seen = (name: string, labels: Record<string, string> | undefined) =>
    asReplaced(service(name, labels === undefined ? {} : { labels }), 'default', [tree, shop]);

  test.each<[string, Record<string, string> | undefined]>([
    ['when it is in another set by now', { 'davit.set': 'other' }],
    ['when it has no label any more', undefined],
  ])('%s', (_, labels) => {
    for (const name of ['app', 'db']) expect(seen(name, labels)).toMatchObject({ set: 'default', labels: { set: 'default' } });
  });

  test('when its labels leave out the database by now', () => {
    expect(seen('db', { 'davit.dump': 'none' }).labels).toMatchObject({ dump: 'mariadb', 'dump.databases': ['*'] });
    expect(seen('db', { 'davit.dump.databases': 'other' }).labels).toMatchObject({ dump: 'auto', 'dump.databases': ['*'] });
    expect(seen('db', { 'davit.dump.databases': 'other,shop' }).labels).toMatchObject({ 'dump.databases': ['other', 'shop'] });
    expect(seen('app', { 'davit.dump': 'none' }).labels).toMatchObject({ dump: 'none' });
  });

  test('and is left as it is when nothing of it is replaced', () => {
    const other = service('other', { labels: { 'davit.set': 'other' } });
    expect(asReplaced(other, 'default', [tree])).toBe(other);
  });

  test('and with a wrong label is a problem of the set that is saved', () => {
    const wrong = { ...service('app'), set: 'other', problems: [configurationError({ where: 'app', what: 'unknown label' })] };
    expect(asReplaced(wrong, 'default', [tree])).toEqual({ ...wrong, set: 'default' });
  });
});

describe('before a restore, a tree is saved', () => {
  const data = volume('v', '/data');
  const none = { dumped: new Set<string>(), dataOf: new Map<string, string>() };
  const saved = (app: Service, artifacts = [tree], chosen = artifacts) =>
    planTrees(
      app.labels === undefined ? [] : [app],
      none,
      new Set(),
      replacedTrees(stack(app), manifest({ artifacts: [...artifacts] }), chosen),
    ).sources.map(({ path, mount, include, exclude }) => [path, mount.source, include, exclude]);

  test.each<[string, Record<string, string> | undefined]>([
    ['that the labels name', { 'davit.files': '/data' }],
    ['that they do not name', { 'davit.files': 'none' }],
    ['of a service without labels', undefined],
  ])('%s', (_, labels) => {
    expect(saved(service('app', { mounts: [data], ...(labels === undefined ? {} : { labels }) }))).toEqual([['/data', 'v', [], []]]);
  });

  test('whole, where labels leave out what the snapshot brings back', () => {
    const excluding = service('app', { mounts: [data], labels: { 'davit.files.exclude': '/data/cache/**' } });
    expect(saved(excluding)).toEqual([['/data', 'v', [], []]]);
    const same = filesArtifact('app', '/data', { exclude: ['/data/cache/**'] });
    expect(saved(excluding, [same])).toEqual([['/data', 'v', [], ['/data/cache/**']]]);
  });

  test('with its SQLite database, when only that is replaced', () => {
    const database = sqliteArtifact('app', '/data/app.db', { mount: tree.mount });
    expect(saved(service('app', { mounts: [data] }), [tree, database], [database])).toEqual([['/data', 'v', [], []]]);
  });

  test('never with the snapshots, or the files of a dumped database, that lie in it', () => {
    const app = service('app', { mounts: [data], labels: { 'davit.files.exclude': '/data/x' } });
    const before = filesArtifact('app', '/data', { exclude: ['/data/x', '/data/backups/**'] });
    const { sources } = planTrees([app], none, new Set(['volume:v/backups']), replacedTrees(stack(app), manifest(), [before]));
    expect(sources.map(({ exclude }) => exclude)).toEqual([['/data/x', '/data/backups/**']]);
    expect(planTrees([], none, new Set(['volume:v']), replacedTrees(stack(app), manifest(), [before])).sources).toEqual([]);
  });
});
