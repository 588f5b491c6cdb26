import { expect, test } from 'vitest';
import { healthy } from '../support/healthchecks.ts';
import { createStack } from '../support/stack.ts';

test('a stack with files, MariaDB and PostgreSQL comes back after its volumes are gone', async () => {
  await using stack = await createStack({
    services: {
      app: { image: 'davit-test/app', volumes: ['files:/data'], labels: ['davit.enable=true'] },
      maria: {
        image: 'davit-test/mariadb-11.8',
        environment: { MARIADB_ROOT_PASSWORD: 'planted-root-pw', MARIADB_DATABASE: 'shop' },
        volumes: ['maria:/var/lib/mysql'],
        labels: ['davit.enable=true'],
        healthcheck: healthy('healthcheck.sh', '--connect'),
      },
      postgres: {
        image: 'davit-test/postgres-17',
        environment: { POSTGRES_PASSWORD: 'planted-postgres-pw' },
        volumes: ['postgres:/var/lib/postgresql/data'],
        labels: ['davit.enable=true'],
        healthcheck: healthy('pg_isready', '-h', '127.0.0.1'),
      },
    },
    volumes: ['files', 'maria', 'postgres'],
  });
  await stack.up();
  await stack.sh('app', 'echo hello > /data/hello; mkfifo /data/pipe; ln -s hello /data/link; chown -R 1234:4321 /data; chmod 0750 /data');
  await stack.sh('maria', `mariadb -uroot -pplanted-root-pw shop -e 'CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)'`);
  await stack.sh('postgres', `psql -U postgres -c 'CREATE TABLE t AS SELECT generate_series(1, 10) AS id'`);

  const manifest = await stack.backup();
  expect(manifest.status).toBe('complete');
  expect(manifest.artifacts.map(({ service, name }) => `${service}/${name}`)).toEqual([
    'app/files/data',
    'maria/@accounts',
    'maria/shop',
    'postgres/@roles',
    'postgres/postgres',
  ]);

  await stack.wipe(['app', 'maria', 'postgres'], ['files', 'maria', 'postgres']);
  await stack.up();
  await stack.restore('latest');

  expect(await stack.sh('app', 'cat /data/link; stat -c "%u:%g %a %F" /data /data/pipe')).toBe(
    'hello\n1234:4321 750 directory\n1234:4321 644 fifo',
  );
  expect(await stack.sh('maria', `mariadb -uroot -pplanted-root-pw -N shop -e 'SELECT SUM(id) FROM t'`)).toBe('3');
  expect(await stack.sh('postgres', `psql -U postgres -At -c 'SELECT count(*) FROM t'`)).toBe('10');
  expect(await stack.leftovers()).toEqual([]);
});
