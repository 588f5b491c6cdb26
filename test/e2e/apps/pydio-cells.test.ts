import { expect } from 'vitest';
import { createApp, deeds, expectStandstill, openApp, serves } from '../../support/app-stack.ts';
import { quick } from '../../support/healthchecks.ts';
import type { TestStack } from '../../support/stack.ts';
import { lockTable, sql } from '../failures/faults.ts';
import { labTest } from '../failures/lab-test.ts';
import { breaks } from './mutations.ts';

/** compose-examples/pydio-cells, with users that upload and delete files all the time. */
const services = () => ({ cells: { healthcheck: { ...quick, test: ['CMD', 'test', '-e', '/tmp/ready'] } } });
let environment: Readonly<Record<string, string>> = {};

const test = labTest(() => ({
  s3: 'davit-test/s3-fast',
  open: (place) => openApp('pydio-cells', { services, environment: (environment = place) }),
  seed: (stack) => serves(stack, 'cells', 100),
}));

/** What stays the same while users work: settings, keys and the personal files with everything that a file system knows of them. */
async function lasting(stack: TestStack): Promise<string> {
  const personal = `find data/personal cells-vault-key data/.minio.sys/config -printf '%P|%y|%m|%U:%G|%n|%s|%T@|%l;'`;
  return stack.sh('cells', `cd /var/cells && ${personal} && cat pydio-vault.json cells-vault-key && cd data/personal && md5sum * .hidden`);
}

async function settings(stack: TestStack): Promise<{ instance: string; databases: { dsn: string } }> {
  return JSON.parse(await stack.sh('cells', 'cat /var/cells/pydio.json')) as { instance: string; databases: { dsn: string } };
}

test('a backup holds working directory, data and database, of a moment while Cells was stopped', async ({ lab: { stack, succeeds } }) => {
  const manifest = await succeeds();
  expect(manifest.artifacts.map(({ service, name }) => `${service}/${name}`)).toEqual([
    'cells/files/var/cells',
    'cells/files/var/cells/data',
    'davit/files/stack',
    'mysql/@accounts',
    'mysql/cells',
  ]);
  await expectStandstill(stack, 'cells', manifest);
  expect(manifest.downtimeMs['cells']).toBeLessThan(20_000);
  await stack.restore(manifest.id, '--to', '/tmp/out');
  expect(await stack.sh('davit', 'cd /tmp/out/cells/files/var/cells && ls -A data/.minio.sys logs; ls data/pydiods1/snapshot.db')).toBe(
    'data/.minio.sys:\nbuckets\nconfig\n\nlogs:\ndata/pydiods1/snapshot.db',
  );
  expect(await stack.sh('davit', 'ls -A /tmp/out/davit/files/stack')).toMatch(/\.env[^]*install-conf\.yml/);
  await stack.sh('davit', 'rm -r /tmp/out');
});

breaks(test, {
  service: 'cells',
  database: { service: 'mysql', name: 'cells', hold: (lab) => lockTable(lab, 'idm_user_attributes', 'mysql', 'cells') },
  hook: {
    breaks: 'touch /tmp/fail',
    mends: 'rm /tmp/fail',
    says: ['service "cells"', 'the output of davit.hook.before contains what means failure', 'Command failed'],
  },
});

test('a restore into an empty stack of another name gives the instance back, and it never configures itself', async ({ lab }) => {
  const { project } = lab.stack;
  const known = { ...(await settings(lab.stack)), lasting: await lasting(lab.stack) };
  await lab.stack.compose('down', '--volumes', '--timeout', '3');

  {
    await using stack = await createApp('pydio-cells', { services, environment });
    await stack.restore('latest', '--from-stack', project);
    await isTheSame(stack);
  }

  // The manual: after the restore and before the first start, correct what has changed in pydio.json.
  await using stack = await createApp('pydio-cells', { services, environment, variables: { MYSQL_PASSWORD: 'another-password' } });
  await stack.restore('latest', '--from-stack', project, '--no-start');
  expect(await deeds(stack, 'cells')).toEqual([]);
  const edit = ['--entrypoint', 'sed', 'cells', '-i', 's/pydio:change-me@/pydio:another-password@/', '/var/cells/pydio.json'];
  expect((await stack.compose('run', '--rm', '--no-deps', '-T', ...edit)).exitCode).toBe(0);
  await stack.up();
  await isTheSame(stack);

  async function isTheSame(stack: TestStack): Promise<void> {
    await serves(stack, 'cells');
    const done = await deeds(stack, 'cells');
    expect(done.map(({ did }) => did).filter((did) => did !== 'write')).toEqual(['start', 'check']);
    const check = done.find(({ did }) => did === 'check');
    expect(check?.['wrong']).toEqual([]);
    expect(check).toMatchObject({ instance: known.instance, rows: expect.toSatisfy((rows: number) => rows > 20) });
    expect((await settings(stack)).instance).toBe(known.instance);
    expect(await lasting(stack)).toBe(known.lasting);
    expect(await stack.sh('cells', 'stat -c "%a %u" /var/cells/cells-vault-key')).toBe('400 1000');
    expect(await stack.sh('cells', 'echo $(($(stat -c %b /var/cells/data/personal/sparse) * 512 < 1000000))')).toBe('1');
    expect(await sql(stack, 'SELECT value FROM idm_user_attributes', 'mysql', 'cells')).toBe('Ådmin 🚤');
    expect((await stack.backup()).status).toBe('complete');
    await serves(stack, 'cells');
  }
});
