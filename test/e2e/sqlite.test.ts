import { expect, test } from 'vitest';
import { sqliteApp, sqliteIn } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

const file = '/data/app.db';

/** Writes a word into two databases and a file, and dies with both logs unsettled. */
const spoil = `
  const { mkdirSync, writeFileSync } = require('node:fs');
  const word = process.argv[2];
  mkdirSync('/data/sub', { recursive: true });
  writeFileSync('/data/sub/note', word + '\\n');
  for (const name of ['one.db', 'sub/two.db']) {
    const database = new (require('node:sqlite').DatabaseSync)('/data/' + name);
    database.exec('PRAGMA journal_mode = wal; CREATE TABLE IF NOT EXISTS w (w); DELETE FROM w');
    database.prepare('INSERT INTO w VALUES (?)').run(word);
    globalThis[name] = database;
  }
  process.kill(process.pid, 'SIGKILL');`;

test('SQLite comes back with the last committed row, from apps that write and from one that was killed', async () => {
  const names = ['wal', 'journal', 'killed', 'own'] as const;
  await using stack = await createStack({
    services: {
      wal: sqliteApp('wal', 'wal'),
      journal: sqliteApp('journal', 'delete'),
      killed: sqliteApp('killed', 'wal'),
      own: sqliteApp('own', 'wal'),
    },
    volumes: names,
    davit: { volumes: ['own:/mnt/own'] },
  });
  await stack.up();
  await stack.compose('exec', '-T', 'killed', 'sh', '-c', 'echo note > /data/note; chown 12:34 /data/app.db; chmod 640 /data/app.db');
  const last = async (name: string): Promise<number> => Number(await stack.sh(name, 'cat /tmp/last'));
  const before = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await last(name)] as const)));
  await stack.compose('kill', 'killed');

  const plan = await stack.davit('plan');
  expect(plan.stdout).toContain('SQLite databases in it as safe copies');
  const manifest = await stack.backup();
  expect(manifest).toMatchObject({ status: 'complete', warnings: expect.not.arrayContaining([expect.stringContaining('app.db')]) });
  expect(manifest.artifacts.map(({ service, name }) => `${service}/${name}`)).toEqual(
    names.toSorted().flatMap((name) => [`${name}/files/data`, `${name}/sqlite${file}`]),
  );
  for (const artifact of manifest.artifacts.filter(({ kind }) => kind === 'sqlite'))
    expect(artifact).toMatchObject({ path: file, details: { integrity: 'ok', userVersion: '7' }, tables: [{ name: 't' }] });
  // The app went on meanwhile.
  expect(await last('wal')).toBeGreaterThan(manifest.artifacts.find(({ name }) => name.startsWith('sqlite'))?.tables?.[0]?.rows ?? 0);

  await stack.wipe([...names, 'davit'], names);
  await stack.compose('create');
  await stack.up('davit');
  await stack.restore('latest');
  for (const name of names) {
    const first = Number(await stack.sh(name, 'cat /tmp/first'));
    expect.soft(first, name).toBeGreaterThanOrEqual(before[name] ?? Infinity);
    expect.soft(await stack.sh(name, sqliteIn(file, 'PRAGMA integrity_check')), name).toBe('ok');
  }
  expect(await stack.sh('killed', `cat /data/note; stat -c "%u:%g %a" ${file}`)).toBe('note\n12:34 640');
  expect(await stack.leftovers()).toEqual([]);
});

test('one database, a folder with databases, a folder of Davit and a stream: each is what was asked for', async () => {
  await using stack = await createStack({ services: { app: sqliteApp('data', 'wal') }, volumes: ['data'] });
  await stack.up();
  const write = (word: string): Promise<string> => stack.sh('app', `node - ${word} || true`, spoil);
  const words = async (): Promise<string> =>
    [
      await stack.sh('app', sqliteIn('/data/one.db', 'SELECT w FROM w')),
      await stack.sh('app', sqliteIn('/data/sub/two.db', 'SELECT w FROM w')),
      await stack.sh('app', 'cat /data/sub/note'),
    ].join(' ');
  await write('old');
  const { id } = await stack.backup();

  for (const [options, expected] of [
    [['--only', 'app/sqlite/data/one.db'], 'old new new'],
    [['--path', '/data/sub/two.db'], 'new old new'],
    [['--path', '/data/sub/'], 'new old old'],
    [['--only', 'app/data'], 'old old old'],
  ] as const) {
    await write('new');
    await stack.restore(id, '--no-safety', ...options);
    expect.soft(await words(), options.join(' ')).toBe(expected);
  }
  await stack.restore(id, '--to', '/tmp/out', '--path', '/data/sub');
  expect(
    await stack.sh('davit', `cat /tmp/out/app/files/data/sub/note; ${sqliteIn('/tmp/out/app/files/data/sub/two.db', 'SELECT w FROM w')}`),
  ).toBe('old\nold');
  await stack.sh('davit', `davit cat ${id} app/data/one.db > /tmp/one.db`);
  expect(await stack.sh('davit', sqliteIn('/tmp/one.db', 'SELECT w FROM w'))).toBe('old');
});
