import { expect, test } from 'vitest';
import { app, postgres } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

test('services that have the variables of one file are what they are, and not all of them databases', async () => {
  const passwords = Object.fromEntries(
    ['MARIADB_ROOT_PASSWORD', 'MYSQL_ROOT_PASSWORD', 'MONGO_INITDB_ROOT_PASSWORD', 'POSTGRES_PASSWORD'].map((name) => [
      name,
      `planted-${name}`,
    ]),
  );
  await using stack = await createStack({
    services: {
      app: app('files', { environment: passwords }),
      postgres: postgres('postgres', { environment: passwords }),
      stopped: app('more', { environment: passwords, entrypoint: ['true'] }),
    },
    volumes: ['files', 'more', 'postgres'],
    environment: passwords,
    davit: { labels: ['davit.files=/etc/own'], volumes: ['./own:/etc/own:ro'] },
    files: { own: 'own\n' },
  });
  await stack.up('app', 'postgres', 'davit');
  await stack.compose('up', '-d', '--no-deps', 'stopped');
  const manifest = await stack.backup();
  expect(manifest.status).toBe('complete');
  expect(manifest.artifacts.map(({ service, name }) => `${service}/${name}`)).toEqual([
    'app/files/data',
    'davit/files/etc/own',
    'postgres/@roles',
    'postgres/postgres',
    'stopped/files/data',
  ]);
});
