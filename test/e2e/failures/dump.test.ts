import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { docker, until } from '../../support/docker.ts';
import type { TestStack } from '../../support/stack.ts';
import { lockTable, mariaTables, replaceTool, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import { parts, password } from './parts.ts';

const test = labTest(() => ({
  services: parts,
  volumes: ['files', 'maria', 'postgres'],
  async seed(stack) {
    await sql(stack, mariaTables);
    await stack.sh('postgres', `psql -U postgres shop -c 'CREATE TABLE t AS SELECT id, md5(id::text) FROM generate_series(1, 1000) AS id'`);
  },
}));

test('the password of the database was changed', async ({ lab }) => {
  await sql(lab.stack, 'ALTER USER root@localhost IDENTIFIED BY "another-password"');
  await lab.fails(await lab.backup(), {
    exitCode: 3,
    says: ['service "maria"', 'mariadb does not answer', 'Access denied', 'davit.dump.password-env'],
    repair: () =>
      lab.stack.sh('maria', `MYSQL_PWD=another-password mariadb -uroot -e 'ALTER USER root@localhost IDENTIFIED BY "${password}"'`),
  });
});

describe('half-way through the dump', () => {
  test('its process is killed', async ({ lab }) => {
    await using gate = await lockTable(lab, 'gate_1');
    const run = lab.backup();
    await gate.reached();
    await lab.stack.sh('maria', 'pkill -KILL mariadb-dump');
    await lab.fails(await run, { exitCode: 3, says: ['maria/shop', 'exited with 137'], repair: gate.open });
  });

  test('its container is killed', async ({ lab }) => {
    await using gate = await lockTable(lab, 'gate_1');
    const run = lab.backup();
    await gate.reached();
    await docker('kill', await lab.stack.container('maria'));
    await lab.fails(await run, {
      exitCode: 3,
      says: ['maria/shop', 'was killed (exit code 137)', 'stopped container or too little memory'],
      repair: () => lab.stack.up('maria'),
    });
  });

  test('its container is removed', async ({ lab }) => {
    await using gate = await lockTable(lab, 'gate_1');
    const run = lab.backup();
    await gate.reached();
    await docker('rm', '-f', await lab.stack.container('maria'));
    await lab.fails(await run, {
      exitCode: 3,
      // The server is killed a moment before the tool, which may have the time to say so.
      says: ['maria/shop', /was removed while|was killed|Docker says 137|exited with 2: .*\((2013|2026)\)/],
      repair: () => lab.stack.up('maria'),
    });
  });

  test('its container is paused', async ({ lab }) => {
    await using gate = await lockTable(lab, 'gate_1');
    const run = lab.backup();
    await gate.reached();
    await lab.stack.compose('pause', 'maria');
    await lab.fails(await run, {
      exitCode: 3,
      says: ['maria/shop', 'the container was paused', 'docker unpause'],
      repair: async () => {
        await lab.stack.compose('unpause', 'maria');
        await gate.open();
      },
    });
  });

  test('a table is altered once: the second try is good', async ({ lab }) => {
    await using gate = await lockTable(lab, 'gate_1');
    const run = lab.backup();
    await gate.reached();
    await alter(lab.stack);
    await gate.open();
    expect((await run).stderr).toContain('the schema changed during the dump, trying once more');
    const { artifacts } = await lab.succeeds(await run);
    expect(artifacts.find(({ name }) => name === 'shop')?.tables).toContainEqual({ name: 'z', rows: 100 });
  });

  test('a table is dropped: the second try is good', async ({ lab }) => {
    await sql(lab.stack, 'CREATE TABLE passing AS SELECT 1 AS id');
    await using gate = await lockTable(lab, 'gate_1');
    const run = lab.backup();
    await gate.reached();
    await sql(lab.stack, 'DROP TABLE passing');
    await gate.open();
    expect((await run).stderr).toMatch(/'shop.passing' doesn't exist.*the schema changed during the dump, trying once more/);
    await lab.succeeds(await run);
  });

  test('a table of PostgreSQL is filled anew in one transaction: it is whole', async ({ lab }) => {
    const session = execa('docker', ['exec', '-i', await lab.stack.container('postgres'), 'psql', '-U', 'postgres', 'shop'], {
      buffer: false,
    });
    session.stdin.write("BEGIN; TRUNCATE t; INSERT INTO t SELECT id, 'new' FROM generate_series(1, 2000) AS id;\n");
    const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%LOCK TABLE%'";
    const run = lab.backup();
    await until('the dump waits', async () => (await lab.stack.sh('postgres', `psql -U postgres -At -c "${waiting}"`)) === '1', 60_000);
    session.stdin.end('COMMIT;\n');
    await session;
    const { artifacts } = await lab.succeeds(await run);
    expect(artifacts.find(({ service, name }) => service === 'postgres' && name === 'shop')?.tables).toEqual([
      { name: 'public.t', rows: 2000 },
    ]);
  });

  test('a table is altered during the second try as well', async ({ lab }) => {
    await using first = await lockTable(lab, 'gate_1');
    await using second = await lockTable(lab, 'gate_2');
    const run = lab.backup();
    await first.reached();
    await first.open();
    await second.reached();
    await using again = await lockTable(lab, 'gate_1');
    await alter(lab.stack);
    await second.open();
    await again.reached();
    await alter(lab.stack);
    await again.open();
    await lab.fails(await run, { exitCode: 3, says: ['maria/shop', 'Table definition has changed'] });
  });
});

/** What the program does, what is wrong with what it writes. */
const lies = [
  ['maria', 'mariadb-dump', 'exit 0', 'has no end marker'],
  ['maria', 'mariadb-dump', '"$real" "$@" | head -c 100000', 'has no end marker'],
  ['maria', 'mariadb-dump', `"$real" "$@" | sed '/^-- Dump completed/d'`, 'has no end marker'],
  ['postgres', 'pg_dump', 'exit 0', 'is not complete'],
  ['postgres', 'pg_dump', '"$real" "$@" | head -c 20000', 'is not complete'],
  ['postgres', 'pg_dump', '"$real" "$@" | head -c -1', 'is not complete'],
] as const;

describe('the dump tool ends with 0', () => {
  for (const [service, tool, script, problem] of lies) {
    test(`but is ${tool}: ${script}`, async ({ lab }) => {
      await using liar = await replaceTool(lab, service, tool, script);
      await lab.fails(await lab.backup(), { exitCode: 3, says: [`${service}/shop`, problem], repair: liar.remove });
    });
  }
});

/** Tables that were rebuilt are unknown to a transaction that began before. */
async function alter(stack: TestStack): Promise<void> {
  await sql(stack, 'ALTER TABLE z COMMENT "altered", ALGORITHM=COPY');
}
