import { expect, test } from 'vitest';
import { nodeApp, sqliteIn } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

/** The blob stands once in memory and 2080 times in the file. */
const fill = `
  const database = new (require("node:sqlite").DatabaseSync)("/data/large.db");
  database.exec("PRAGMA synchronous = off; PRAGMA journal_mode = off; PRAGMA page_size = 16384; CREATE TABLE t (i INTEGER PRIMARY KEY, b BLOB); BEGIN");
  const insert = database.prepare("INSERT INTO t VALUES (?, ?)");
  const blob = require("node:crypto").randomBytes(1024 * 1024);
  for (let i = 1; i <= 2080; i += 1) insert.run(i, blob);
  database.exec("COMMIT; PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0");
  database.exec("INSERT INTO t VALUES (2081, NULL)");
  require("node:fs").writeFileSync("/tmp/ready", "");
  setInterval(() => {}, 1000);`;

test('a database of 2 GiB comes back with the last committed row, which was only in its log', async () => {
  await using stack = await createStack({
    services: {
      app: nodeApp('data'),
    },
    volumes: ['data'],
  });
  await stack.up();
  await stack.compose('exec', '-d', 'app', 'node', '-e', fill);
  await stack.sh('app', 'until [ -e /tmp/ready ]; do sleep 0.2; done');
  const manifest = await stack.backup();
  expect(manifest).toMatchObject({ status: 'complete', warnings: [] });
  const [, database] = manifest.artifacts;
  expect(database).toMatchObject({ name: 'sqlite/data/large.db', tables: [{ name: 't', rows: 2081 }] });
  expect(database?.plain.bytes).toBeGreaterThan(2 ** 31);

  await stack.wipe(['app'], ['data']);
  await stack.compose('create');
  await stack.restore('latest', '--no-safety');
  expect(await stack.sh('app', `ls /data; ${sqliteIn('/data/large.db', 'SELECT max(i), count(b) FROM t')}`)).toBe('large.db\n2081 2080');
});
