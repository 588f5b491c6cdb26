import { expect, test } from 'vitest';
import { presentServers, readerPassword, type Server, servers } from '../support/databases.ts';
import { postgres } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

const present = await presentServers();
const names = present.map(({ name }) => name);
for (const { name } of servers.filter((server) => !present.includes(server)))
  test.skip(`${name}: its image is not here; \`scripts/images.sh ${name}\` builds it`, () => undefined);

const each = async <T>(part: (server: Server) => Promise<T>): Promise<T[]> => Promise.all(present.map(part));

test(`${names.join(', ')}: everything comes back, into empty servers and over other content`, async () => {
  await using stack = await createStack({
    services: Object.fromEntries(present.map((server) => [server.name, server.service()])),
    volumes: names,
  });
  await stack.up();
  await each((server) => server.seed(stack));
  const before = await each((server) => server.describe(stack));
  const isAsBefore = async (when: string): Promise<void> => {
    const now = await each((server) => server.describe(stack));
    names.forEach((name, index) => expect.soft(now[index], `${name} ${when}`).toEqual(before[index]));
  };

  const manifest = await stack.backup();
  expect(manifest.failures).toEqual([]);
  for (const server of present) {
    const artifacts = manifest.artifacts.filter(({ service }) => service === server.name);
    expect.soft(artifacts.map(({ name }) => name).toSorted()).toEqual([server.accounts, ...server.databases].toSorted());
    const tables = artifacts.find(({ name }) => name === 'shop')?.tables?.map(({ name, rows }) => [name.replace('app.', ''), rows]);
    expect.soft(Object.fromEntries(tables ?? []), server.name).toMatchObject({ kinds: server.rows, nothing: 0, z_parent: 3 });
    expect.soft(manifest.warnings.filter((warning) => warning.includes(`"${server.name}"`)).join(), server.name).toMatch(server.warning);
  }

  await stack.wipe(names, names);
  await stack.up();
  await stack.restore('latest');
  await isAsBefore('after the restore into an empty server');
  for (const server of present) {
    expect.soft(await server.login(stack, 'reader', readerPassword), server.name).toMatch(/^\d+$/);
    expect.soft(await server.login(stack, 'reader', 'wrong'), server.name).toMatch(/denied|failed/);
  }
  const again = await stack.backup();
  expect(again.artifacts.map(({ name, tables }) => ({ name, tables }))).toEqual(
    manifest.artifacts.map(({ name, tables }) => ({ name, tables })),
  );

  await each((server) => server.spoil(stack));
  await stack.restore('latest');
  for (const server of present.filter(({ engine }) => engine !== 'postgres'))
    expect
      .soft(await server.sql(stack, 'SELECT @@GLOBAL.max_allowed_packet; SET GLOBAL max_allowed_packet = 16777216'), server.name)
      .toBe('1572864');
  await isAsBefore('after the restore over other content');
  expect(await stack.leftovers()).toEqual([]);
});

test('a PostgreSQL that has room for the locks of one dump only is dumped all the same', async () => {
  const command = ['postgres', '-c', 'max_locks_per_transaction=10', '-c', 'max_connections=10'];
  await using stack = await createStack({ services: { db: postgres('db', { command }) }, volumes: ['db'] });
  await stack.up();
  const tables = Array.from({ length: 350 }, (_, number) => `CREATE TABLE t${number} (a int);`);
  await stack.sh('db', 'psql -U postgres -q', tables.join('\n'));
  const { status, artifacts } = await stack.backup();
  expect([status, artifacts.find(({ name }) => name === 'postgres')?.tables?.length]).toEqual(['complete', tables.length]);
});
