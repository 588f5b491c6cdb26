import { expect, test } from 'vitest';
import { createStandIns } from '../../../src/steps/stand-ins.ts';

function standIns(env: Record<string, string>, command: string[] = []) {
  let count = 0;
  return createStandIns({ env, command }, () => `new-${(count += 1)}`);
}

test('secrets are others, and equal ones stay equal', () => {
  const env = { POSTGRES_PASSWORD: 'hunter22', BACKUP_PASSWORD: 'hunter22', API_TOKEN: 'abc', POSTGRES_USER: 'hunter22', LANG: 'C' };
  const { variable } = standIns(env);
  expect(Object.entries(env).map(([name, value]) => variable(name, value))).toEqual(['new-1', 'new-1', 'new-2', 'hunter22', 'C']);
});

test.each([
  ['MYSQL_ALLOW_EMPTY_PASSWORD', 'yes'],
  ['MARIADB_RANDOM_ROOT_PASSWORD', '1'],
  ['POSTGRES_PASSWORD_FILE', '/run/secrets/password'],
  ['SECRET_PATH', '/run/secrets'],
  ['POSTGRES_PASSWORD', ''],
])('%s=%s is no secret', (name, value) => {
  expect(standIns({ [name]: value }).variable(name, value)).toBe(value);
});

test('a password in the command or in an address is another one, the same as in a variable', () => {
  const { variable, words } = standIns(
    { REDIS_PASSWORD: 'hunter22', REDIS_ARGS: '--requirepass hunter22', URL: 'redis://me:hunter22@cache' },
    ['redis-server', '--requirepass', 'hunter22'],
  );
  expect(variable('REDIS_PASSWORD', 'hunter22')).toBe('new-1');
  expect(variable('REDIS_ARGS', '--requirepass hunter22')).toBe('--requirepass new-1');
  expect(variable('URL', 'redis://me:hunter22@cache')).toBe('redis://me:new-1@cache');
  expect(words(['redis-server', '--requirepass', 'hunter22', '--port', '1'])).toEqual([
    'redis-server',
    '--requirepass',
    'new-1',
    '--port',
    '1',
  ]);
  expect(words(['sh', '-c', `exec redis-server --requirepass "hunter22" --save ''`])).toEqual([
    'sh',
    '-c',
    `exec redis-server --requirepass "new-1" --save ''`,
  ]);
  expect(words(['sh', '-c', 'exec redis-server --requirepass "$REDIS_PASSWORD"'])).toEqual([
    'sh',
    '-c',
    'exec redis-server --requirepass "$REDIS_PASSWORD"',
  ]);
});

test('every container has its own', () => {
  const variable = () => createStandIns({ env: { PASSWORD: 'x' }, command: [] }).variable('PASSWORD', 'x');
  expect(variable()).toMatch(/^Drill[0-9a-f]{24}$/);
  expect(variable()).not.toBe(variable());
});
