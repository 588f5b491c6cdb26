import { expect, test } from 'vitest';
import { mountsOfTwin, planDrill } from '../../../src/steps/drill-plan.ts';
import { artifact, artifactsOfShop, bind, filesArtifact, sqliteArtifact, volume } from '../../support/builders.ts';

test('one server a service, accounts first; trees with their databases; outputs are only read', () => {
  const tree = filesArtifact('app', '/data');
  const database = sqliteArtifact('app', '/data/app.db');
  const plan = planDrill([
    artifact({ name: 'shop' }),
    artifact({ name: '@roles', kind: 'accounts' }),
    artifact({ name: 'shop', service: 'other' }),
    database,
    tree,
    artifact({ name: 'list', kind: 'command' }),
  ]);
  expect(plan.servers.map(({ service, artifacts }) => [service, ...artifacts.map(({ name }) => name)])).toEqual([
    ['db', '@roles', 'shop'],
    ['other', 'shop'],
  ]);
  expect(plan.places).toEqual([expect.objectContaining({ service: 'app', path: '/data', tree, databases: [database] })]);
  expect(plan.outputs.map(({ name }) => name)).toEqual(['list']);
});

test('nothing of a snapshot is left out', () => {
  const artifacts = [...artifactsOfShop(), sqliteArtifact('alone', '/srv/app.db'), artifact({ name: 'list', kind: 'command' })];
  const { servers, places, outputs } = planDrill(artifacts);
  const covered = [
    ...servers.flatMap((server) => server.artifacts),
    ...places.flatMap(({ tree, databases }) => [...(tree === undefined ? [] : [tree]), ...databases]),
    ...outputs,
  ];
  expect(new Set(covered)).toEqual(new Set(artifacts));
  expect(covered).toHaveLength(artifacts.length);
});

test('a new server can write to nothing that the real one has, and reads its configuration', () => {
  const folders = ['/var/lib/mysql'];
  const plan = mountsOfTwin(
    [
      volume('shop_db', '/var/lib/mysql'),
      volume('shop_tls', '/certs', false),
      bind('/srv/dumps', '/var/lib/mysql-files'),
      bind('/srv/my.cnf', '/etc/mysql/my.cnf'),
      bind('/srv/password', '/run/secrets/password', false),
      bind('/srv/key', '/run/secrets/key'),
      bind('/run/mysqld/mysqld.sock', '/mysqld.sock', false),
      { type: 'tmpfs', source: '', destination: '/tmp', writable: true },
      { type: 'other', source: 'x', destination: '/x', writable: true },
    ],
    folders,
  );
  expect(plan).toEqual({
    volumes: ['/var/lib/mysql', '/tmp'],
    mounts: [
      { type: 'volume', source: 'shop_tls', target: '/certs' },
      { type: 'bind', source: '/srv/dumps', target: '/var/lib/mysql-files' },
      { type: 'bind', source: '/srv/my.cnf', target: '/etc/mysql/my.cnf' },
      { type: 'bind', source: '/srv/password', target: '/run/secrets/password' },
      { type: 'bind', source: '/srv/key', target: '/run/secrets/key' },
    ],
  });
});

test.each(['/var/lib', '/var/lib/mysql', '/var/lib/mysql/data', '/run/mysqld', '/tmp'])('a folder of the host at %s stays out', (path) => {
  expect(mountsOfTwin([bind('/srv/db', path)], ['/var/lib/mysql'])).toEqual({ volumes: [path], mounts: [] });
});
