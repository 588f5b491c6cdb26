import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import type { Access } from '../../../src/engines/engine.ts';
import { redis } from '../../../src/engines/redis.ts';
import { container, target } from '../../support/builders.ts';

/** The passwords that are tried, in their order, and what the command gets to know. */
function login(overrides: Partial<Container>, access: Partial<Access> = {}) {
  const { argv, env } = redis.inventory(target(overrides, access));
  const [, tried] = /^for REDISCLI_AUTH in (.*); do/m.exec(argv[2] ?? '') ?? [];
  return { tried, env, script: argv[2] ?? '' };
}

const file = '"$(setting requirepass)"';

test.each<[string, Partial<Container>, string]>([
  ['nothing', {}, file],
  ['a variable', { env: { REDIS_PASSWORD: 'x' } }, `${file} "$REDIS_PASSWORD"`],
  ['a variable with a path', { env: { VALKEY_PASSWORD_FILE: '/x' } }, `${file} "$(cat "$VALKEY_PASSWORD_FILE")"`],
  ['a variable of the client', { env: { REDISCLI_AUTH: 'x' } }, `${file} "$REDISCLI_AUTH"`],
  ['a shell line with a variable', { command: ['sh', '-c', 'redis-server --requirepass "${PW}"'] }, `"$PW" ${file}`],
  [
    'a shell line with a file',
    { command: ['sh', '-c', 'exec redis-server --requirepass $(cat /run/pw) --port 1'] },
    `"$(cat /run/pw)" ${file}`,
  ],
  [
    'a shell line with a file in quotes',
    { command: ['sh', '-c', 'redis-server --requirepass "$(cat /run/pw)"'] },
    `"$(cat /run/pw)" ${file}`,
  ],
  ['a shell line with something else', { command: ['sh', '-c', 'redis-server --requirepass "$(vault read x)"'] }, file],
])('where the password may stand: %s', (_, overrides, expected) => {
  expect(login(overrides)).toMatchObject({ tried: expected, env: undefined });
});

test.each<[string, Partial<Container>]>([
  ['a word of the command', { command: ['docker-entrypoint.sh', 'redis-server', '--requirepass', 'PLANTED "x" $y'] }],
  ['a shell line', { command: ['sh', '-c', `redis-server --requirepass 'PLANTED "x" $y'`] }],
])('a password that is written out in %s goes to the command as a variable, never in its words', (_, overrides) => {
  const { tried, env, script } = login(overrides);
  expect(tried).toBe(`"$DAVIT_SERVER_PASSWORD" ${file}`);
  expect(env).toEqual({ DAVIT_SERVER_PASSWORD: 'PLANTED "x" $y' });
  expect(script).not.toContain('PLANTED');
});

test.each([{ REDIS_ARGS: '--appendonly yes --requirepass PLANTED' }, { VALKEY_EXTRA_FLAGS: '--requirepass PLANTED --port 7' }])(
  'so does one in the variable %j',
  (env) => {
    expect(login({ env })).toMatchObject({ env: { DAVIT_SERVER_PASSWORD: 'PLANTED' } });
  },
);

test('what labels name is all that is tried', () => {
  const command = ['redis-server', '--requirepass', 'PLANTED'];
  const named = login({ command, env: { REDIS_PASSWORD: 'x' } }, { user: 'backup', passwordFile: '/run/pw' });
  expect(named).toMatchObject({ tried: '"$(cat /run/pw)"', env: undefined });
  expect(named.script).not.toMatch(/unset REDISCLI_AUTH VALKEYCLI_AUTH/);
});

test('the port and the configuration file come from the command', () => {
  const { script } = login({ command: ['redis-server', '/usr/local/etc/redis/redis.conf', '--port', '7000'] });
  expect(script).toContain('file=/usr/local/etc/redis/redis.conf');
  expect(script).toContain('port=7000;');
  expect(login({}).script).toContain('port=$(setting port);');
});

describe('recognised', () => {
  test.each<[string, Partial<Container>, readonly string[], boolean]>([
    ['the official image', { image: 'redis:7-alpine' }, [], true],
    ['valkey', { image: 'valkey/valkey:8' }, [], true],
    ['a stack', { image: 'redis/redis-stack-server:7.4' }, [], true],
    ['keydb', { image: 'eqalpha/keydb' }, [], true],
    ['bitnami', { image: 'mirror/bitnami-kv', env: { BITNAMI_APP_NAME: 'valkey' } }, [], true],
    ['a build of their own', { image: 'shop/cache', command: ['entrypoint.sh', '/usr/bin/redis-server', '/x.conf'] }, [], true],
    ['by its process', { image: 'shop/cache' }, ['tini', 'redis-server'], true],
    ['an app with a Redis inside', { image: 'shop/all-in-one' }, ['supervisord', 'redis-server', 'node'], false],
    ['an app that uses one', { image: 'shop/app', env: { REDIS_HOST: 'cache', REDIS_PASSWORD: 'x' } }, ['node'], false],
    ['an exporter', { image: 'oliver006/redis_exporter' }, ['redis_exporter'], false],
    ['a user interface', { image: 'redis/redisinsight:2' }, [], false],
    ['a sentinel', { image: 'redis:7', command: ['docker-entrypoint.sh', 'redis-sentinel', '/x.conf'] }, [], false],
    ['a server as a sentinel', { image: 'redis:7', command: ['redis-server', '/x.conf', '--sentinel'] }, [], false],
    ['a sentinel image', { image: 'bitnami/redis-sentinel' }, ['redis-sentinel'], false],
    ['a job', { image: 'redis:7', command: ['docker-entrypoint.sh', 'sh', '-c', 'redis-cli -h cache flushall'] }, [], false],
  ])('%s', (_, overrides, processes, expected) => {
    expect(redis.recognises(container(overrides), processes)).toBe(expected);
  });
});

describe('answers', () => {
  test('an inventory', () => {
    const facts = 'tool:valkey-cli 8.1.1\nredis_version:7.2.4\nvalkey_version:8.1.1\nrole:master\ncluster_enabled:0\n';
    expect(redis.readInventory(facts)).toMatchObject({ server: 'Valkey 8.1.1', tool: 'valkey-cli 8.1.1', databases: [{ name: 'redis' }] });
    expect(redis.readInventory('redis_version:7.0.15\nrole:master\n').server).toBe('Redis 7.0.15');
  });

  test('what cannot be put back is refused', () => {
    expect(() => redis.readInventory('redis_version:7\nrole:slave\n')).toThrow(/is a replica.*label the master/);
    expect(() => redis.readInventory('redis_version:7\nrole:master\ncluster_enabled:1\n')).toThrow(/node of a cluster/);
  });

  test('a census counts keys that do not expire', () => {
    expect(redis.readCensus('# Keyspace\r\ndb0:keys=12,expires=2,avg_ttl=9\r\ndb15:keys=1,expires=0,avg_ttl=0,subexpiry=0\r\n')).toEqual([
      { name: 'db0', rows: 10 },
      { name: 'db15', rows: 1 },
    ]);
  });
});
