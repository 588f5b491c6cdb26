import { describe, expect, test } from 'vitest';
import type { Mount } from '../../../src/docker/docker.ts';
import type { Service } from '../../../src/steps/discover.ts';
import { planTrees } from '../../../src/steps/trees.ts';
import { bind, service, volume } from '../../support/builders.ts';

interface Databases {
  readonly dumped?: readonly string[];
  readonly dataOf?: Readonly<Record<string, string>>;
  readonly storage?: string;
}

function trees(services: readonly Service[], { dumped = [], dataOf = {}, storage }: Databases = {}) {
  const { sources, skipped, problems, warnings } = planTrees(
    services,
    { dumped: new Set(dumped), dataOf: new Map(Object.entries(dataOf)) },
    new Set(storage === undefined ? [] : [storage]),
  );
  return {
    taken: sources.map(({ service: name, path, mount }) => `${name} ${path} of ${mount.source}`),
    skipped: skipped.map(({ service: name, what, why }) => `${name} ${what}: ${why}`),
    problems: problems.map(({ error }) => error.message),
    warnings,
    sources,
  };
}

const app = (mounts: readonly Mount[], labels: Record<string, string> = {}, name = 'app') => service(name, { mounts, labels });

describe('files=auto', () => {
  test('takes every writable volume and bind mount', () => {
    const { taken, skipped } = trees([app([volume('v', '/data'), bind('/srv/up', '/uploads')])]);
    expect(taken).toEqual(['app /data of v', 'app /uploads of /srv/up']);
    expect(skipped).toEqual([]);
  });

  test.each<[string, Mount, RegExp]>([
    ['read-only', volume('v', '/data', false), /mounted read-only; name it in davit\.files/],
    ['a socket', bind('/var/run/docker.sock', '/var/run/docker.sock'), /a socket or system path/],
    ['the host', bind('/proc', '/host/proc'), /a socket or system path/],
    ['the host, below', bind('/sys/fs/cgroup', '/cgroup'), /a socket or system path/],
    ['the time of the host', bind('/etc/localtime', '/etc/localtime'), /a socket or system path/],
    ['the sockets of the host', bind('/var/run/dbus', '/dbus'), /a socket or system path/],
    ['a tmpfs', { type: 'tmpfs', source: '', destination: '/tmp', writable: true }, /a tmpfs/],
    ['something else', { type: 'other', source: 'pipe', destination: '/pipe', writable: true }, /a kind that is not archived/],
  ])('says why it leaves out %s', (_, mount, why) => {
    const { taken, skipped } = trees([app([mount])]);
    expect(taken).toEqual([]);
    expect(skipped).toEqual([expect.stringMatching(why)]);
  });

  test('a folder that only begins like a system path is taken', () => {
    expect(trees([app([bind('/process', '/a'), bind('/devel', '/b'), bind('/srv/proc', '/c')])]).taken).toHaveLength(3);
  });

  test('takes nothing of a service whose database is dumped', () => {
    const { taken, skipped } = trees([app([volume('v', '/var/lib/mysql'), volume('w', '/extra')], {}, 'db')], { dumped: ['db'] });
    expect(taken).toEqual([]);
    expect(skipped).toEqual([
      expect.stringMatching(/^db \/var\/lib\/mysql: its database is dumped/),
      expect.stringMatching(/^db \/extra: /),
    ]);
  });
});

test('files=none takes nothing and needs no reason', () => {
  expect(trees([app([volume('v', '/data')], { 'davit.files': 'none' })])).toMatchObject({ taken: [], skipped: [], problems: [] });
});

test('a service that takes no part is not looked at', () => {
  expect(trees([service('other', { mounts: [volume('v', '/data')] })])).toMatchObject({ taken: [], skipped: [], problems: [] });
});

describe('files as a list', () => {
  const mounts = [volume('outer', '/data'), volume('inner', '/data/cache/deep'), volume('ro', '/etc/app', false), bind('/srv/x', '/data2')];
  const list = (files: string) => trees([app(mounts, { 'davit.files': files })]);

  test.each<[string, string[]]>([
    ['/data', ['/data of outer', '/data/cache/deep of inner']],
    ['/data/', ['/data of outer', '/data/cache/deep of inner']],
    ['/data//sub/./folder//', ['/data/sub/folder of outer']],
    ['/data/../data2', ['/data2 of /srv/x']],
    ['/data/cache', ['/data/cache/deep of inner', '/data/cache of outer']],
    ['/data/cache/deep/x', ['/data/cache/deep/x of inner']],
    ['/data2', ['/data2 of /srv/x']],
    ['/etc/app', ['/etc/app of ro']],
    ['/', ['/data of outer', '/data/cache/deep of inner', '/etc/app of ro', '/data2 of /srv/x']],
    ['/data,/data', ['/data of outer', '/data/cache/deep of inner']],
  ])('%s', (files, expected) => {
    expect(list(files).taken).toEqual(expected.map((tree) => `app ${tree}`));
    expect(list(files).problems).toEqual([]);
  });

  test('says which volumes are not in the list', () => {
    expect(list('/data2,/data/cache').skipped).toEqual([expect.stringMatching(/^app \/etc\/app: mounted read-only/)]);
    expect(list('/etc/app').skipped).toEqual(['/data', '/data/cache/deep', '/data2'].map((path) => `app ${path}: not in davit.files`));
  });

  test('no path leads out of its volume', () => {
    expect(list('/data/../etc')).toMatchObject({ taken: ['app /etc/app of ro'], problems: [] });
    expect(list('/data/../root').problems).toEqual([expect.stringContaining('/root is in no volume')]);
  });

  test('a path in no volume is a problem, and the others are still taken', () => {
    const { taken, problems } = list('/var/www,/data2');
    expect(taken).toEqual(['app /data2 of /srv/x']);
    expect(problems).toEqual([
      expect.stringMatching(/^service "app": davit\.files: \/var\/www is in no volume .* lost with the container — mount a volume/),
    ]);
  });

  test('a socket or tmpfs around a path is no volume', () => {
    const mount: Mount = { type: 'tmpfs', source: '', destination: '/tmp', writable: true };
    expect(trees([app([mount], { 'davit.files': '/tmp/x' })]).problems).toHaveLength(1);
  });

  test('works beside a dumped database, but not for its data directory', () => {
    const db = app([volume('data', '/var/lib/mysql'), volume('conf', '/etc/mysql')], { 'davit.files': '/etc/mysql,/var/lib/mysql' }, 'db');
    const { taken, skipped } = trees([db], { dumped: ['db'], dataOf: { 'volume:data': 'db' } });
    expect(taken).toEqual(['db /etc/mysql of conf']);
    expect(skipped).toEqual(['db /var/lib/mysql: data directory of "db", which is dumped; a copy of it would be torn']);
  });
});

describe('a volume of several services', () => {
  test('is stored once, with the first, even under another path', () => {
    const { taken, skipped } = trees([app([volume('v', '/data')], {}, 'a'), app([volume('v', '/srv')], {}, 'b')]);
    expect(taken).toEqual(['a /data of v']);
    expect(skipped).toEqual(['b /srv: same volume as /data of "a", stored once']);
  });

  test('is told apart by its type and by the folder in it', () => {
    const services = [
      app([volume('v', '/data')], { 'davit.files': '/data/one' }, 'a'),
      app([volume('v', '/srv')], { 'davit.files': '/srv/two' }, 'b'),
      app([bind('v', '/srv')], { 'davit.files': '/srv/one' }, 'c'),
      app([volume('v', '/x')], { 'davit.files': '/x/one' }, 'd'),
    ];
    expect(trees(services).taken).toEqual(['a /data/one of v', 'b /srv/two of v', 'c /srv/one of v']);
  });

  test('is never archived by another service when it is the data directory of a dumped server', () => {
    const { taken, skipped } = trees([app([volume('pg', '/pg')])], { dumped: ['db'], dataOf: { 'volume:pg': 'db' } });
    expect(taken).toEqual([]);
    expect(skipped).toEqual([expect.stringContaining('data directory of "db"')]);
  });

  test('is archived when the server is not dumped', () => {
    expect(trees([app([volume('pg', '/pg')])], { dataOf: { 'volume:pg': 'db' } }).taken).toEqual(['app /pg of pg']);
  });
});

test('the volume that the snapshots are written to is left out, whoever mounts it', () => {
  const { taken, skipped } = trees([app([volume('backups', '/old'), volume('v', '/data')])], { storage: 'volume:backups' });
  expect(taken).toEqual(['app /data of v']);
  expect(skipped).toEqual(['app /old: the snapshots themselves are stored here']);
});

test('a glob that lies in no tree of its service is told of, as where somebody wrote a path of the host', () => {
  const labels = { 'davit.files.include': '/data/a,/**/*.db', 'davit.files.exclude': '/srv/vault/tmp/**,/data2,/dat/**,/etc/app/x/*' };
  const stray = (glob: string): string =>
    `service "app": davit.files.exclude: ${glob} lies in none of its file trees, which are paths in the container`;
  const mounts = [bind('/srv/vault', '/data'), volume('v', '/etc/app')];
  expect(trees([app(mounts, labels)]).warnings).toEqual(['/srv/vault/tmp/**', '/data2', '/dat/**'].map(stray));
});

test('a volume, or a file that is mounted by itself, is left out by its path', () => {
  const mounts = [volume('v', '/data'), volume('w', '/data/cache'), volume('x', '/tmp/work'), bind('/srv/app.conf', '/etc/app.conf')];
  const excluding = app(mounts, { 'davit.files.exclude': '/data/cache/,/tmp/**,/etc/app.conf' });
  expect(trees([excluding])).toMatchObject({
    taken: ['app /data of v'],
    skipped: ['/data/cache', '/tmp/work', '/etc/app.conf'].map((path) => `app ${path}: left out by davit.files.exclude`),
    warnings: [],
  });
  // What is below it may be left out, and what another service wants of it is not.
  expect(trees([app(mounts, { 'davit.files.exclude': '/data/**/*.tmp' })]).taken).toHaveLength(4);
  expect(trees([excluding, app([volume('w', '/w')], {}, 'zoo')]).taken).toEqual(['app /data of v', 'zoo /w of w']);
});

test('a source carries the globs and the order of its service, and the path in its name', () => {
  const labels = { 'davit.files.include': '/data/a/**', 'davit.files.exclude': '/data/a/b', 'davit.order': '5' };
  expect(trees([app([volume('v', '/data')], labels)]).sources).toEqual([
    {
      kind: 'files',
      service: 'app',
      name: 'files/data',
      order: 5,
      path: '/data',
      mount: { type: 'volume', source: 'v', destination: '/data' },
      include: ['/data/a/**'],
      exclude: ['/data/a/b'],
      sqlite: 'auto',
    },
  ]);
});
