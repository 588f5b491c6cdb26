import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askFirstStart, isFirstStart } from '../../../src/steps/first-start.ts';

let processes = '';
beforeEach(async () => {
  processes = await mkdtemp(join(tmpdir(), 'davit-unit-'));
});
afterEach(() => rm(processes, { recursive: true, force: true }));

const entrypoint = (...words: string[]) => ['/bin/bash', '/usr/local/bin/docker-entrypoint.sh', ...words];
const asking = () => askFirstStart(processes).argv;

test.each<[string, boolean, (readonly string[])[]]>([
  ['MariaDB', true, [entrypoint('mariadbd'), ['mariadbd', '--skip-networking', '--socket=/run/mysqld/mysqld.sock']]],
  [
    'PostgreSQL',
    true,
    [entrypoint('postgres'), ['/usr/lib/postgresql/17/bin/postgres', '-c', 'listen_addresses=', '-p', '5432'], ['postgres: writer']],
  ],
  ['MongoDB', true, [entrypoint('mongod'), ['mongod', '--config', '/tmp/docker-entrypoint-temp-config.json', '--fork']]],
  [
    'the same with an init',
    true,
    [['tini', '--', 'docker-entrypoint.sh', 'mysqld'], entrypoint('mysqld'), ['mysqld', '--daemonize', '--skip-networking']],
  ],
  ['the real server', false, [['mariadbd', '--bind-address=0.0.0.0'], asking()]],
  ['the real server behind an init', false, [['/sbin/docker-init', '--', 'docker-entrypoint.sh', 'postgres'], ['postgres']]],
  ['a server without network', false, [['mariadbd', '--skip-networking'], ['postgres', '-c', 'listen_addresses='], asking()]],
  ['an entrypoint that stays', false, [entrypoint('mysqld'), ['mysqld']]],
])('%s: %s', async (_, expected, running) => {
  for (const [index, words] of running.entries()) {
    await mkdir(join(processes, String(index + 1)));
    await writeFile(join(processes, String(index + 1), 'cmdline'), words.map((word) => `${word}\0`).join(''));
  }
  const [program = '', ...words] = asking();
  expect(isFirstStart(spawnSync(program, words, { encoding: 'utf8' }).stdout)).toBe(expected);
});
