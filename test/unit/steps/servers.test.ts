import { expect, test } from 'vitest';
import { inventory, planned, postgres, problems } from '../../support/planned.ts';

test.each([
  "ERROR 2002 (HY000): Can't connect to local server through socket",
  'connection to server on socket "x" failed: No such file or directory',
])('a server that is not up yet is told apart from a wrong password: %s', async (stderr) => {
  const found = await planned([postgres()], { answer: () => ({ exitCode: 2, stderr }) });
  expect(problems(found)).toEqual([expect.stringMatching(/does not answer: .* — look at `docker compose logs db`/)]);
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
