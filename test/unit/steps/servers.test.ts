import { expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import { composeContainer, volume } from '../../support/builders.ts';
import { enabled, inventory, planned, postgres, problems, sources } from '../../support/planned.ts';

test.each([
  "ERROR 2002 (HY000): Can't connect to local server through socket",
  'connection to server on socket "x" failed: No such file or directory',
])('a server that is not up yet is told apart from a wrong password: %s', async (stderr) => {
  const found = await planned([postgres()], { answer: () => ({ exitCode: 2, stderr }) });
  expect(problems(found)).toEqual([expect.stringMatching(/does not answer: .* — look at `docker compose logs db`/)]);
});

test.each([
  'sh: 3: pg_dump: not found\nsh: 4: exec: psql: not found',
  'sh: psql: not found',
  'sh: line 1: psql: command not found',
  'sh: 3: exec: : Permission denied',
])('a container without the tools of the server that its label names is told apart from a wrong password: %s', async (stderr) => {
  const found = await planned([postgres()], { answer: () => ({ exitCode: 127, stderr }) });
  expect(problems(found)).toEqual([
    expect.stringMatching(/does not answer: .* — its container lacks the tools of that server: correct davit\.dump/),
  ]);
});

test.each<[Record<string, string>, boolean]>([
  [{ 'davit.dump.databases': 'shop' }, true],
  [{ 'davit.dump.options': '--no-owner' }, true],
  [{ 'davit.dump.password-file': '/run/secrets/pw' }, true],
  [{ 'davit.dump.databases': '*' }, false],
  [{ 'davit.dump': 'none', 'davit.dump.user': 'x' }, false],
  [{ 'davit.enable': 'true' }, false],
])('labels %j of a database that nobody recognises are a problem: %s', async (labels, isProblem) => {
  const said =
    'service "own": has labels davit.dump.…, and no database is recognised in its container — say which one it is, such as davit.dump=postgres, or remove them';
  expect(problems(await planned([postgres(), composeContainer('own', { labels })]))).toEqual(isProblem ? [said] : []);
});

test('an app that only has the variables of a server, as from a file that all services share, is none', async () => {
  const app = (env: Record<string, string>, labels: Record<string, string> = {}, more: Partial<Container> = {}) =>
    composeContainer('app', { env, mounts: [volume('uploads', '/uploads')], labels: { ...enabled, ...labels }, ...more });
  const answer = () => ({ exitCode: 127, stderr: 'sh: 1: x: not found\nsh: 3: exec: : Permission denied' });
  const lacking = [expect.stringMatching(/^service "app": \w+ does not answer: .* — its container lacks the tools of that server/)];
  for (const [name, program] of [
    ['MYSQL_ROOT_PASSWORD', 'mysqld'],
    ['MARIADB_ROOT_PASSWORD', 'mariadbd'],
    ['MONGO_INITDB_ROOT_PASSWORD', 'mongod'],
  ] as const) {
    const found = await planned([app({ [name]: 'secret' })], { answer, processes: { 'shop-app-1': ['node', 'sh'] } });
    expect([sources(found), problems(found)]).toEqual([['files app/files/uploads'], []]);
    const server = await planned([app({ [name]: 'secret' })], { answer, processes: { 'shop-app-1': ['sh', program] } });
    expect([sources(server), problems(server)]).toEqual([[], lacking]);
  }
  // One of another name: `mysqldump` is not in images of MariaDB.
  const other = await planned([app({ MYSQL_ROOT_PASSWORD: 'secret' })], { answer, processes: { 'shop-app-1': ['mariadbd'] } });
  expect([sources(other), problems(other)]).toEqual([[], lacking]);
  // Nobody can be asked: the server is who has its folder.
  const env = { MYSQL_ROOT_PASSWORD: 'secret' };
  for (const state of ['exited', 'paused', 'restarting'] as const) {
    const found = await planned([app(env, {}, { state })]);
    expect([sources(found), problems(found)]).toEqual([['files app/files/uploads'], []]);
    const server = await planned([app(env, {}, { state, mounts: [volume('my', '/var/lib/mysql')] })]);
    expect([sources(server), problems(server)]).toEqual([[], [expect.stringContaining(`the container is ${state}`)]]);
  }
  const said = await planned([app(env, { 'davit.dump': 'mysql' })], { answer });
  expect([sources(said), problems(said)]).toEqual([[], lacking]);
});

test('a server that has the variables of another one, too, is what its image is called', async () => {
  const env = { MARIADB_ROOT_PASSWORD: 'x', MYSQL_ROOT_PASSWORD: 'y', MONGO_INITDB_DATABASE: 'z' };
  const found = await planned([postgres(enabled, { env })]);
  expect([sources(found), problems(found)]).toEqual([['accounts db/@roles', 'database db/shop', 'database db/stats'], []]);
});

test('where no password would do, none is asked for', async () => {
  const stderr = 'FATAL:  Peer authentication failed for user "postgres"';
  const found = await planned([postgres()], { answer: () => ({ exitCode: 2, stderr }) });
  expect(problems(found)).toEqual([expect.stringMatching(/does not answer: .* — let local connections log in with the password/)]);
});

test('nor is one dumped that is still being set up', async () => {
  const answer = (_: unknown, { argv }: { argv: readonly string[] }) => ({
    stdout: argv.join().includes('docker-entrypoin[t]') ? 'yes\n' : inventory,
  });
  const found = await planned([postgres()], { answer });
  expect(found.sources).toEqual([]);
  expect(problems(found)).toEqual([expect.stringMatching(/service "db": its server starts for the first time .* — wait until it is done/)]);
});

test.each([
  ['postgres:17', '--no-owner --data-only'],
  ['postgres:17', '--section=data'],
  ['mariadb:11', '--no-create-info'],
  ['mysql:9', '-t'],
])('%s: a dump with %s would be of no use to a restore, so none is made', async (image, options) => {
  const found = await planned([postgres({ 'davit.dump.options': options }, { image })]);
  expect(found.sources).toEqual([]);
  expect(problems(found)).toEqual([expect.stringMatching(/davit\.dump\.options leaves out what every restore needs: -\S+ — remove it/)]);
});
