import { expect, test } from 'vitest';
import { isBuilt, until } from '../support/docker.ts';
import { healthy } from '../support/healthchecks.ts';
import { createStack, type TestStack } from '../support/stack.ts';

const image = 'davit-test/mongodb';
const isHere = await isBuilt('mongodb');

const services = ['server', 'parts'] as const;
type Service = (typeof services)[number];

const healthcheck = healthy('bash', '-c', '</dev/tcp/$$(hostname -i)/27017');
/** As in a compose file, where `$$` is one. */
const account = { MONGO_INITDB_ROOT_USERNAME: 'keeper', MONGO_INITDB_ROOT_PASSWORD: `it's "odd" \\ $$HOME #é%` };

const seed = `
const shop = db.getSiblingDB('shop');
shop.orders.insertMany([
  { _id: 1, text: 'ü🚤', double: 1.5, long: NumberLong('9007199254740993'), date: new Date(0), none: null, list: [1, 'x', { y: true }],
    bytes: BinData(0, 'AAEC'), pattern: /ab+/i, id: ObjectId('0123456789abcdef01234567'), stamp: Timestamp(5, 6), int: NumberInt(7) },
  { _id: 'two' }, { _id: ObjectId('0123456789abcdef01234568') }]);
shop.createCollection('nothing');
shop.createCollection('log', { capped: true, size: 65536 });
shop.log.insertMany(Array.from({ length: 500 }, (_, line) => ({ line, text: 'x'.repeat(100) })));
db.getSiblingDB('Odd-Name_1').getCollection('a.b c').insertOne({ _id: 1 });`;

/** Other content, collections and databases that the backup does not know. */
const spoil = `
const shop = db.getSiblingDB('shop');
shop.orders.updateOne({ _id: 'two' }, { $set: { changed: true } });
shop.nothing.insertOne({ _id: 1 });
shop.log.drop();
shop.later.insertOne({ _id: 1 });
db.getSiblingDB('later').more.insertOne({ _id: 1 });`;

const contents = `
const names = db.adminCommand({ listDatabases: 1, nameOnly: true }).databases.map(({ name }) => name);
for (const name of names.filter((it) => it !== 'admin').sort()) {
  const one = db.getSiblingDB(name);
  for (const { name: collection, options } of one.getCollectionInfos().sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const documents = one.getCollection(collection).find().toArray().map((it) => EJSON.stringify(it, { relaxed: false })).sort();
    print(EJSON.stringify([name, collection, options, one.getCollection(collection).getIndexes(), documents], { relaxed: false }));
  }
}`;

test.runIf(isHere)('MongoDB: a whole server, or the databases that are named, comes back as it was', async () => {
  await using stack = await createStack({
    services: Object.fromEntries(
      services.map((name) => [
        name,
        {
          image,
          volumes: [`${name}:/data/db`],
          labels: [name === 'server' ? 'davit.enable=true' : 'davit.dump.databases=shop'],
          ...(name === 'parts' ? { environment: account } : {}),
          healthcheck,
        },
      ]),
    ),
    volumes: services,
  });
  await stack.up();
  await each((name) => run(stack, name, seed));
  const before = await each((name) => run(stack, name, contents));
  const isAsBefore = async (when: string): Promise<void> => {
    const now = await each((name) => run(stack, name, contents));
    services.forEach((name, index) => expect.soft(now[index]?.split('\n'), `${name} ${when}`).toEqual(before[index]?.split('\n')));
  };

  const manifest = await stack.backup();
  expect(manifest.failures).toEqual([]);
  expect(manifest.warnings).toContainEqual(expect.stringMatching(/"server": it is no replica set/));
  expect(manifest.warnings).toContainEqual(expect.stringMatching(/"parts": database shop is dumped by itself, without users/));
  const tables = Object.fromEntries(manifest.artifacts.map(({ service, name, tables }) => [`${service}/${name}`, rowsOf(tables)]));
  const shop = { 'shop.log': 500, 'shop.nothing': 0, 'shop.orders': 3 };
  expect(tables).toEqual({ 'server/@server': { 'Odd-Name_1.a.b c': 1, ...shop }, 'parts/shop': shop });
  expect(await stack.davit('drill')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('ok server/@server') });

  await each((name) => run(stack, name, spoil));
  await stack.restore('latest');
  const [, parts] = await each((name) => run(stack, name, contents));
  expect(parts).toContain('["later","more"');
  await run(stack, 'parts', `db.getSiblingDB('later').dropDatabase()`);
  await isAsBefore('after the restore over other content');
  expect(await stack.sh('server', 'ls -A ~ /tmp')).not.toMatch(/mongodb/);

  await stack.wipe(services, services);
  await stack.up();
  await run(stack, 'parts', `db.getSiblingDB('Odd-Name_1').getCollection('a.b c').insertOne({ _id: 1 })`);
  await stack.restore('latest');
  await isAsBefore('after the restore into an empty server');

  await stack.sh(
    'server',
    'cd /usr/local/bin && mv mongodump real && cat > mongodump && chmod +x mongodump',
    `#!/bin/sh\nreal "$@" | head -c -30\n`,
  );
  const partial = await stack.backup(3);
  expect(partial.failures).toEqual([
    expect.objectContaining({ service: 'server', error: expect.stringMatching(/the dump is not complete/) }),
  ]);
  expect(await stack.leftovers()).toEqual([]);
});

/** FerretDB keeps an oplog where somebody has made one, which stands for `rs.initiate()`. It cannot replay it, nor take users: the dump alone is shown. */
test.runIf(isHere)('MongoDB: a member of a replica set is dumped with its users and with what was written meanwhile', async () => {
  await using stack = await createStack({
    services: {
      member: {
        image,
        command: ['--replSet', 'rs0'],
        labels: ['davit.enable=true'],
        environment: account,
        volumes: ['member:/data/db'],
        healthcheck,
      },
    },
    volumes: ['member'],
  });
  await stack.up();
  await run(stack, 'member', `db.getSiblingDB('local').createCollection('oplog.rs', { capped: true, size: 1e8 })`);
  await run(stack, 'member', `db.getSiblingDB('shop').still.insertOne({ _id: 1 })`);
  const writing = stack.sh(
    'member',
    `${shell} --eval 'const { writes } = db.getSiblingDB("shop"); for (let _id = 0; db.getSiblingDB("shop").still.countDocuments() === 1; _id += 1) writes.insertOne({ _id })'`,
  );
  try {
    await until(
      'something is written',
      async () => (await run(stack, 'member', `db.getSiblingDB('shop').writes.countDocuments()`)) !== '0',
    );
    const manifest = await stack.backup();
    expect(manifest).toMatchObject({ status: 'complete', failures: [], warnings: [] });
    const [artifact] = manifest.artifacts;
    expect(artifact).toMatchObject({ name: '@server', details: { oplog: 'true', scope: 'server' } });
    expect(rowsOf(artifact?.tables)).toEqual({ 'shop.still': 1, 'shop.writes': undefined, 'admin.system.users': undefined });
    const users = await stack.sh('davit', `davit cat ${manifest.id} member/@server | grep -ac admin.keeper`);
    expect(Number(users)).toBeGreaterThan(0);
  } finally {
    await run(stack, 'member', `db.getSiblingDB('shop').still.insertOne({ _id: 2 })`);
    await writing;
  }
});

async function each<T>(part: (name: Service) => Promise<T>): Promise<T[]> {
  return Promise.all(services.map(part));
}

const shell =
  'HOME=/dev/null mongosh --quiet ${MONGO_INITDB_ROOT_USERNAME:+-u "$MONGO_INITDB_ROOT_USERNAME" -p "$MONGO_INITDB_ROOT_PASSWORD"} --authenticationDatabase admin';

function run(stack: TestStack, service: string, script: string): Promise<string> {
  return stack.sh(service, `${shell} --eval "$(cat)" 2>/dev/null`, script);
}

function rowsOf(tables: readonly { name: string; rows?: number | undefined }[] = []): Record<string, number | undefined> {
  return Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));
}
