import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import { engines } from '../../../src/engines/index.ts';
import { container } from '../../support/builders.ts';

function recognise(overrides: Partial<Container>, processes: readonly string[] = []): string | undefined {
  return engines.find((engine) => engine.recognises(container(overrides), processes))?.name;
}

describe('by image', () => {
  test.each([
    ['mariadb', 'mariadb'],
    ['mariadb:11.8', 'mariadb'],
    ['docker.io/library/mariadb:lts', 'mariadb'],
    ['registry.local:5000/team/mariadb', 'mariadb'],
    ['bitnami/mariadb@sha256:0123', 'mariadb'],
    ['lscr.io/linuxserver/mariadb:latest', 'mariadb'],
    ['davit-test/mariadb-11.8', 'mariadb'],
    ['mysql:8.4', 'mysql'],
    ['container-registry.oracle.com/mysql/community-server', undefined],
    ['mysql/mysql-server:8.0', 'mysql'],
    ['percona:8', 'mysql'],
    ['postgres:17-alpine', 'postgres'],
    ['postgres:17@sha256:0123', 'postgres'],
    ['bitnami/postgresql:17', 'postgres'],
    ['postgis/postgis:17-3.5', 'postgres'],
    ['timescale/timescaledb:latest-pg17', 'postgres'],
    ['pgvector/pgvector:pg17', 'postgres'],
    ['tensorchord/pgvecto-rs:pg16', 'postgres'],
    ['ghcr.io/immich-app/postgres:14-vectorchord0.4.3-pgvectors0.2.0@sha256:0123', 'postgres'],
    ['ghcr.io/immich-app/immich-server:release', undefined],
    ['mongo:8', 'mongodb'],
    ['cytomine/mongo:1.0.0', 'mongodb'],
    ['bitnami/mongodb:8', 'mongodb'],
    ['mongodb/mongodb-community-server:8.0-ubi9', 'mongodb'],
    ['percona/percona-server-mongodb:7', 'mongodb'],
    ['mongo-express:1', undefined],
    ['percona/mongodb_exporter:0.40', undefined],
    ['phpmyadmin:5', undefined],
    ['nginx:stable', undefined],
    ['example/app-with-mysql', undefined],
    ['postgres.example.com/app:1', undefined],
    ['localhost:5000/app', undefined],
  ])('%s: %s', (image, expected) => {
    expect(recognise({ image })).toBe(expected);
  });
});

describe('by variables', () => {
  test.each<[Record<string, string>, string | undefined]>([
    [{ MARIADB_ROOT_PASSWORD: 'x' }, 'mariadb'],
    [{ MARIADB_ROOT_PASSWORD_FILE: '/x' }, 'mariadb'],
    [{ MARIADB_DATABASE: 'x' }, 'mariadb'],
    // An image of one's own, made from that of MariaDB.
    [{ MARIADB_VERSION: '1:11.8.2', MYSQL_ROOT_PASSWORD: 'x' }, 'mariadb'],
    [{ MYSQL_ROOT_PASSWORD: 'x' }, 'mysql'],
    [{ PGDATA: '/data', POSTGRES_DB: 'x' }, 'postgres'],
    [{ MONGO_INITDB_ROOT_USERNAME: 'x' }, 'mongodb'],
    [{ MONGO_INITDB_DATABASE: 'x' }, 'mongodb'],
    [{ ME_CONFIG_MONGODB_SERVER: 'x' }, undefined],
    [{ POSTGRES_PASSWORD: 'x' }, undefined],
    [{ MYSQL_HOST: 'db', MYSQL_PASSWORD: 'x', MYSQL_USER: 'u' }, undefined],
    [{ DATABASE_URL: 'postgres://db' }, undefined],
  ])('%j: %s', (env, expected) => {
    expect(recognise({ env })).toBe(expected);
  });
});

test('by the programs that run', () => {
  expect(recognise({}, ['sh', 'mariadbd'])).toBe('mariadb');
  expect(recognise({}, ['mysqld'])).toBe('mysql');
  expect(recognise({}, ['postgres'])).toBe('postgres');
  expect(recognise({}, ['mongod'])).toBe('mongodb');
  expect(recognise({ image: 'mongo-express:1', env: { MONGO_INITDB_ROOT_USERNAME: 'x' } })).toBeUndefined();
  expect(recognise({}, ['mysqld_exporter', 'postgres_exporter', 'node'])).toBeUndefined();
});

test('every engine has its own name and says where its data lies', () => {
  expect(new Set(engines.map(({ name }) => name)).size).toBe(engines.length);
  for (const { dataDirectories } of engines) for (const folder of dataDirectories) expect(folder).toMatch(/^\/\w/);
});
