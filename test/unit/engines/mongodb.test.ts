import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Command } from '../../../src/docker/docker.ts';
import type { Access } from '../../../src/engines/engine.ts';
import { mongodb } from '../../../src/engines/mongodb.ts';
import { artifact, target } from '../../support/builders.ts';

/** The scripts as the shell in a container would run them, with tools that tell how they were called: the test server knows no passwords. */

const folder = mkdtempSync(join(tmpdir(), 'davit-mongodb-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = readFileSync(new URL('../../fixtures/dumps/mongodb.archive', import.meta.url));
const password = `p'w "x" \\y $HOME: #`;
const rooted = { MONGO_INITDB_ROOT_USERNAME: 'ro"ot', MONGO_INITDB_ROOT_PASSWORD: password };
const whole = { name: '@server', details: { scope: 'server' }, warnings: [] };
const stored = artifact({
  engine: 'mongodb',
  name: '@server',
  database: '@server',
  details: whole.details,
  tables: [{ name: 'a', rows: 5 }],
});

function tool(name: string, script: string): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** A tool that notes its arguments and, where it is given one, its configuration. */
const noting = (name: string): string => `
printf '%s\\n' "$*" >> ${folder}/${name}.arguments
for word; do case $word in --config=*) cat "\${word#--config=}" > ${folder}/${name}.config ;; esac; done`;

function note(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

function run({ argv: [program = '', ...words] }: Command, env: Record<string, string> = {}, input: Buffer | string = '') {
  const { status, stdout, stderr } = spawnSync(program, words, {
    input,
    env: { ...env, PATH: `${folder}:/usr/bin:/bin` },
    maxBuffer: 1 << 26,
  });
  return { status, stdout, stderr: stderr.toString() };
}

const succeeds = (restored: number, failed = 0): string =>
  `cat > ${folder}/restored; echo "2026	${restored} document(s) restored successfully. ${failed} document(s) failed to restore." >&2`;

beforeEach(() => {
  for (const name of ['mongodump', 'mongorestore', 'mongosh']) writeFileSync(join(folder, `${name}.arguments`), '');
  writeFileSync(join(folder, 'archive'), fixture);
  tool('mongodump', `${noting('mongodump')}\ncase $* in *--oplog*) echo 'no oplog' >&2; exit 1 ;; esac\ncat ${folder}/archive`);
  tool('mongorestore', `${noting('mongorestore')}\n${succeeds(5)}`);
  tool('mongosh', `${noting('mongosh')}\ncat > ${folder}/said; echo 'admin> davit: dropped'`);
});

describe('the password', () => {
  const access: Partial<Access> = { user: 'backup', passwordFile: join(folder, 'secret') };
  test.each<[string, Record<string, string>, Partial<Access>, string]>([
    ['of root', rooted, {}, '--username=ro"ot'],
    [
      'of root by file',
      { MONGO_INITDB_ROOT_USERNAME_FILE: join(folder, 'user'), MONGO_INITDB_ROOT_PASSWORD_FILE: join(folder, 'secret') },
      {},
      '--username=a b',
    ],
    ['of Bitnami', { MONGODB_ROOT_PASSWORD: password }, {}, '--username=root'],
    ['that a label names', rooted, { ...access, passwordFile: undefined, passwordEnv: 'BACKUP' }, '--username=backup'],
    ['in a file that a label names', {}, access, '--username=backup'],
  ])('%s reaches the tools as configuration only', (_, env, access, user) => {
    writeFileSync(join(folder, 'secret'), `${password}\n`);
    writeFileSync(join(folder, 'user'), 'a b');
    const at = target({ env }, access);
    const inside = { ...env, BACKUP: password };
    expect(run(mongodb.dump(at, whole).command, inside)).toMatchObject({ status: 0, stdout: fixture });
    expect(run(mongodb.restore(at, stored), inside, fixture)).toMatchObject({ status: 0 });
    for (const name of ['mongodump', 'mongorestore']) {
      expect(note(`${name}.config`)).toBe(`password: 'p''w "x" \\y $HOME: #'\n`);
      expect(note(`${name}.arguments`)).toContain(`${user} --authenticationDatabase=admin --config=/dev/fd/3`);
    }
    expect(readFileSync(join(folder, 'restored'))).toEqual(fixture);
    expect(note('said')).toContain(String.raw`, "p'w \"x\" \\y $HOME: #");`);
    for (const name of ['mongodump', 'mongorestore', 'mongosh']) expect(note(`${name}.arguments`)).not.toContain("p'w");
  });

  test('is not asked for where none is set', () => {
    run(mongodb.dump(target(), whole).command);
    expect(note('mongodump.arguments')).not.toMatch(/config|username/);
    run(mongodb.restore(target(), stored), {}, fixture);
    expect(note('said')).not.toContain('auth');
  });
});

describe('an inventory', () => {
  const read = () => {
    const { status, stdout, stderr } = run(mongodb.inventory(target()));
    return status === 0 ? mongodb.readInventory(stdout.toString()) : stderr;
  };

  test('lists the databases and offers the whole server', () => {
    expect(read()).toMatchObject({
      server: '7.0.42',
      tool: 'mongodump 100.14.1',
      databases: [{ name: 'Odd-Name_1' }, { name: 'shop' }],
      whole,
      warnings: [expect.stringMatching(/no replica set/)],
    });
  });

  test('of a member of a replica set asks for the oplog, and the dump has it', () => {
    tool('mongodump', `${noting('mongodump')}\ncat ${folder}/archive`);
    const inventory = read();
    expect(inventory).toMatchObject({ whole: { details: { scope: 'server', oplog: 'true' } }, warnings: [] });
    const details = { scope: 'server', oplog: 'true' };
    run(mongodb.dump(target(), { ...whole, details }).command);
    expect(note('mongodump.arguments').trim().split('\n').at(-1)).toMatch(/^--oplog --archive /);
    run(mongodb.restore(target(), { ...stored, details }), {}, fixture);
    expect(note('mongorestore.arguments')).toContain('--oplogReplay');
  });

  test('says what the tool says when it fails', () => {
    tool('mongodump', `echo 'Failed: auth' >&2; exit 1`);
    expect(read()).toContain('Failed: auth');
  });

  test('that is not understood is shown', () => {
    expect(() => mongodb.readInventory('what?\n')).toThrow(/not understood: what\?/);
    expect(() => mongodb.readInventory('{"oplog":true,"client":true}\nYWJj\n')).toThrow(/no archive: "abc"/);
  });
});

describe('a restore', () => {
  const restore = (details = stored.details, database = '@server') =>
    run(mongodb.restore(target(), { ...stored, details, database }), {}, fixture);

  test('drops every database but the server’s own, or only the one', () => {
    restore();
    expect(note('said')).toContain('["admin", "config", "local"].indexOf(it.name) < 0');
    restore({}, `it's "odd"`);
    expect(note('said')).toContain(String.raw`it.name === "it's \"odd\""`);
  });

  test.each([
    ['it says an error', `echo 'Failed: no'; exit 1`, /Failed: no/],
    ['a document failed', succeeds(5, 1), /did not restore every document: .*1 document\(s\) failed/],
    ['there are fewer documents', succeeds(4), /did not restore every document: .*4 document\(s\) restored/],
    ['it says nothing', 'cat > /dev/null', /did not restore every document/],
    ['it is killed', 'kill -9 $$', /Killed/],
  ])('fails when %s', (_, script, expected) => {
    tool('mongorestore', script);
    const { status, stderr } = restore();
    expect(status).not.toBe(0);
    expect(stderr).toMatch(expected);
  });

  test('fails before it loads anything when the databases were not dropped', () => {
    tool('mongosh', `cat > /dev/null; echo 'admin> MongoServerError: not allowed'`);
    const { status, stderr } = restore();
    expect(status).toBe(1);
    expect(stderr).toContain('not allowed');
    expect(note('mongorestore.arguments')).toBe('');
  });

  test('goes without a shell where there is none', () => {
    rmSync(join(folder, 'mongosh'));
    expect(restore()).toMatchObject({ status: 0 });
  });
});

test('a census is what the tool counts itself', () => {
  tool(
    'mongodump',
    `echo '2026-11-21T15:25:30.266+0000	done dumping shop.a b (1 document)' >&2; echo '2026	done dumping \`shop.c\` (20 documents)' >&2`,
  );
  const census = mongodb.census(target(), stored);
  expect(mongodb.readCensus(run(census ?? { argv: [] }).stdout.toString())).toEqual([
    { name: 'shop.a b', rows: 1 },
    { name: 'shop.c', rows: 20 },
  ]);
  tool('mongodump', `echo 'Failed: no' >&2; exit 1`);
  expect(run(census ?? { argv: [] })).toMatchObject({ status: 1, stderr: 'Failed: no\n' });
});

test('a server is ready when it can be reached from outside; its own superuser may restore', () => {
  tool('hostname', `echo 'fd00::2 172.18.0.5'`);
  const ready = (access: Partial<Access>) =>
    run(mongodb.ready(target({ command: ['mongod', '--port', '27018'] }, access)))
      .stdout.toString()
      .slice(-1);
  tool('mongodump', noting('mongodump'));
  expect([ready({}), ready({ user: 'backup', passwordEnv: 'P' })]).toEqual(['1', '0']);
  expect(note('mongodump.arguments')).toContain('--host=172.18.0.5 --port=27018');
});
