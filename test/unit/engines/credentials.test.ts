import { describe, expect, test } from 'vitest';
import { mariadb } from '../../../src/engines/mariadb.ts';
import { mongodb } from '../../../src/engines/mongodb.ts';
import { mysql } from '../../../src/engines/mysql.ts';
import { postgres } from '../../../src/engines/postgres.ts';
import type { Access, Engine } from '../../../src/engines/engine.ts';
import { artifact, target } from '../../support/builders.ts';

/** How the script logs in: its first line. */
function login(engine: Engine, env: Record<string, string>, access: Partial<Access> = {}): string | undefined {
  const { argv } = engine.inventory(target({ env }, access));
  expect(argv.slice(0, 2)).toEqual(['sh', '-c']);
  return argv[2]?.split('\n')[0];
}

type Case = readonly [string, Record<string, string>, Partial<Access>, string];

const backup: Partial<Access> = { user: 'backup', passwordEnv: 'BACKUP_PASSWORD' };

/** What MariaDB and MySQL have in common, with the variables of MySQL. */
const shared: readonly Case[] = [
  ['root', { MYSQL_ROOT_PASSWORD: 'x' }, {}, 'export MYSQL_PWD="$MYSQL_ROOT_PASSWORD"; user=root'],
  ['root by file', { MYSQL_ROOT_PASSWORD_FILE: '/run/pw' }, {}, 'export MYSQL_PWD="$(cat "$MYSQL_ROOT_PASSWORD_FILE")"; user=root'],
  [
    'root before the user',
    { MYSQL_ROOT_PASSWORD: 'x', MYSQL_USER: 'u', MYSQL_PASSWORD: 'y' },
    {},
    'export MYSQL_PWD="$MYSQL_ROOT_PASSWORD"; user=root',
  ],
  ['only a user', { MYSQL_USER: 'u', MYSQL_PASSWORD: 'y' }, {}, 'export MYSQL_PWD="$MYSQL_PASSWORD"; user="$MYSQL_USER"'],
  [
    'only a user, root is random',
    { MYSQL_USER: 'u', MYSQL_PASSWORD: 'y', MYSQL_RANDOM_ROOT_PASSWORD: '1' },
    {},
    'export MYSQL_PWD="$MYSQL_PASSWORD"; user="$MYSQL_USER"',
  ],
  [
    'only a user, by files',
    { MYSQL_USER_FILE: '/run/u', MYSQL_PASSWORD_FILE: '/run/pw' },
    {},
    'export MYSQL_PWD="$(cat "$MYSQL_PASSWORD_FILE")"; user="$(cat "$MYSQL_USER_FILE")"',
  ],
  [
    'an empty root password',
    { MYSQL_ALLOW_EMPTY_PASSWORD: '1', MYSQL_USER: 'u', MYSQL_PASSWORD: 'y' },
    {},
    `export MYSQL_PWD=''; user=root`,
  ],
  ['nothing known', {}, {}, `export MYSQL_PWD=''; user=root`],
  [
    'an empty variable is none',
    { MYSQL_ROOT_PASSWORD: '', MYSQL_USER: 'u', MYSQL_PASSWORD: 'y' },
    {},
    'export MYSQL_PWD="$MYSQL_PASSWORD"; user="$MYSQL_USER"',
  ],
  ['label: user and variable', { MYSQL_ROOT_PASSWORD: 'x' }, backup, 'export MYSQL_PWD="$BACKUP_PASSWORD"; user=backup'],
  ['label: variable alone is of root', { MYSQL_ROOT_PASSWORD: 'x' }, { passwordEnv: 'NEW' }, 'export MYSQL_PWD="$NEW"; user=root'],
  ['label: file', {}, { passwordFile: '/run/secrets/pw' }, 'export MYSQL_PWD="$(cat /run/secrets/pw)"; user=root'],
  ['label: file before variable', {}, { ...backup, passwordFile: '/run/pw' }, 'export MYSQL_PWD="$(cat /run/pw)"; user=backup'],
  ['label: a user that needs quotes', {}, { ...backup, user: `o'h "$x"` }, `export MYSQL_PWD="$BACKUP_PASSWORD"; user='o'\\''h "$x"'`],
  [
    'label: a path that needs quotes',
    {},
    { passwordFile: `/run/it's $(id)` },
    `export MYSQL_PWD="$(cat '/run/it'\\''s $(id)')"; user=root`,
  ],
];

test.each([mysql, mariadb])('$name: a variable that is meant for an app does not lead the client to another server', (engine) => {
  const asked = target({ env: { MYSQL_HOST: 'elsewhere' } });
  for (const { argv } of [
    engine.inventory(asked),
    engine.dump(asked, undefined).command,
    engine.restore(asked, artifact({})),
    engine.ready(asked),
  ])
    expect(argv[2]?.split('\n')[1]).toBe('unset MYSQL_HOST');
});

describe('mysql', () => {
  test.each(shared)('%s', (_, env, access, expected) => {
    expect(login(mysql, env, access)).toBe(expected);
  });
});

describe('mariadb', () => {
  const own: readonly Case[] = [
    ['own name', { MARIADB_ROOT_PASSWORD: 'x' }, {}, 'export MYSQL_PWD="$MARIADB_ROOT_PASSWORD"; user=root'],
    [
      'own name first',
      { MARIADB_ROOT_PASSWORD: 'x', MYSQL_ROOT_PASSWORD: 'y' },
      {},
      'export MYSQL_PWD="$MARIADB_ROOT_PASSWORD"; user=root',
    ],
    ['own file', { MARIADB_ROOT_PASSWORD_FILE: '/run/pw' }, {}, 'export MYSQL_PWD="$(cat "$MARIADB_ROOT_PASSWORD_FILE")"; user=root'],
    ['own user', { MARIADB_USER: 'u', MARIADB_PASSWORD: 'y' }, {}, 'export MYSQL_PWD="$MARIADB_PASSWORD"; user="$MARIADB_USER"'],
    [
      'own empty',
      { MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: '1', MARIADB_USER: 'u', MARIADB_PASSWORD: 'y' },
      {},
      `export MYSQL_PWD=''; user=root`,
    ],
  ];
  test.each([...shared, ...own])('%s', (_, env, access, expected) => {
    expect(login(mariadb, env, access)).toBe(expected);
  });
});

describe('postgres', () => {
  test.each<Case>([
    ['nothing known', {}, {}, 'export PGUSER=postgres'],
    ['password alone', { POSTGRES_PASSWORD: 'x' }, {}, 'export PGUSER=postgres PGPASSWORD="$POSTGRES_PASSWORD"'],
    [
      'user and password',
      { POSTGRES_USER: 'u', POSTGRES_PASSWORD: 'x' },
      {},
      'export PGUSER="$POSTGRES_USER" PGPASSWORD="$POSTGRES_PASSWORD"',
    ],
    [
      'files',
      { POSTGRES_USER_FILE: '/run/u', POSTGRES_PASSWORD_FILE: '/run/pw' },
      {},
      'export PGUSER="$(cat "$POSTGRES_USER_FILE")" PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"',
    ],
    ['trust', { POSTGRES_HOST_AUTH_METHOD: 'trust' }, {}, 'export PGUSER=postgres'],
    [
      'bitnami',
      { POSTGRESQL_USERNAME: 'u', POSTGRESQL_PASSWORD: 'x' },
      {},
      'export PGUSER="$POSTGRESQL_USERNAME" PGPASSWORD="$POSTGRESQL_PASSWORD"',
    ],
    ['label: user', { POSTGRES_USER: 'u' }, { user: 'backup' }, 'export PGUSER=backup'],
    ['label: user and variable', { POSTGRES_PASSWORD: 'x' }, backup, 'export PGUSER=backup PGPASSWORD="$BACKUP_PASSWORD"'],
    ['label: file before variable', {}, { ...backup, passwordFile: '/run/pw' }, 'export PGUSER=backup PGPASSWORD="$(cat /run/pw)"'],
    ['label: quotes', {}, { user: `o'h` }, `export PGUSER='o'\\''h'`],
  ])('%s', (_, env, access, expected) => {
    expect(login(postgres, env, access)).toBe(expected);
  });
});

describe('mongodb', () => {
  test.each<Case>([
    ['nothing known', {}, {}, `user=''; password=''`],
    ['a user alone', { MONGO_INITDB_ROOT_USERNAME: 'u' }, {}, `user=''; password=''`],
    [
      'root',
      { MONGO_INITDB_ROOT_USERNAME: 'u', MONGO_INITDB_ROOT_PASSWORD: 'x' },
      {},
      'user="$MONGO_INITDB_ROOT_USERNAME"; password="$MONGO_INITDB_ROOT_PASSWORD"',
    ],
    ['Bitnami', { MONGODB_ROOT_PASSWORD_FILE: '/run/pw' }, {}, 'user=root; password="$(cat "$MONGODB_ROOT_PASSWORD_FILE")"'],
    ['label: user and variable', { MONGO_INITDB_ROOT_PASSWORD: 'x' }, backup, 'user=backup; password="$BACKUP_PASSWORD"'],
    ['label: file', {}, { passwordFile: '/run/pw' }, 'user=root; password="$(cat /run/pw)"'],
  ])('%s', (_, env, access, expected) => {
    expect(login(mongodb, env, access)).toBe(expected);
  });
});
