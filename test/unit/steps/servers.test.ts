import { expect, test } from 'vitest';
import { composeContainer } from '../../support/builders.ts';
import { inventory, planned, postgres, problems } from '../../support/planned.ts';

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
