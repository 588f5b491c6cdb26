import { expect } from 'vitest';
import { captured, createApp, deeds, expectStandstill, serves } from '../../support/app-stack.ts';
import { quick } from '../../support/healthchecks.ts';
import { lockTable, sql } from '../failures/faults.ts';
import { breaks } from './mutations.ts';
import { configOf, occ, ownCloudTest } from './owncloud.ts';

/** compose-examples/owncloud. */
const services = () => ({ owncloud: { healthcheck: quick }, mariadb: { healthcheck: quick }, redis: { healthcheck: quick } });
const { test, options } = ownCloudTest('owncloud', services);

test('a backup holds the four parts of the manual, of a moment without users', async ({ lab: { stack, succeeds } }) => {
  const manifest = await succeeds();
  expect(manifest.artifacts.map(({ service, name }) => `${service}/${name}`)).toEqual([
    'davit/files/stack',
    'mariadb/@accounts',
    'mariadb/owncloud',
    'owncloud/files/mnt/data',
  ]);
  await stack.restore(manifest.id, '--to', '/tmp/out');
  const kept = await stack.sh('davit', 'cd /tmp/out/owncloud/files/mnt/data && find . -mindepth 1 -maxdepth 2 | sort');
  expect(kept.split('\n')).toEqual([
    './apps',
    './config',
    './config/config.php',
    './config/overwrite.config.php',
    './files',
    './files/.htaccess',
    './files/.ocdata',
    './files/admin',
  ]);
  expect(await stack.sh('davit', 'cat /tmp/out/owncloud/files/mnt/data/config/config.php')).toContain("'maintenance' => true");
  expect(await stack.sh('davit', 'ls -A /tmp/out/davit/files/stack')).toContain('.env');
  await stack.sh('davit', 'rm -r /tmp/out');

  await expectStandstill(stack, 'owncloud', manifest);
  const { from, to } = captured(manifest);
  const [on, off] = (await occ(stack)).slice(-2);
  expect([on?.did, off?.did]).toEqual(['maintenance:mode --on', 'maintenance:mode --off']);
  expect([(on?.at ?? Infinity) < from, (off?.at ?? 0) > to]).toEqual([true, true]);
  expect(await configOf(stack)).toMatchObject({ maintenance: 'false' });
});

breaks(test, {
  service: 'owncloud',
  database: { service: 'mariadb', name: 'owncloud', hold: (lab) => lockTable(lab, 'oc_accounts', 'mariadb', 'owncloud') },
  hook: {
    breaks: 'echo --on > /tmp/fail',
    mends: 'rm /tmp/fail',
    says: ['service "owncloud"', 'davit.hook.before ended with exit code 1', 'An unhandled exception'],
  },
});

test('maintenance mode that could not be turned off is turned off at the next start', async ({ lab }) => {
  await lab.stack.sh('owncloud', 'echo --off > /tmp/fail');
  expect((await lab.backup()).exitCode).toBe(3);
  expect(await configOf(lab.stack)).toMatchObject({ maintenance: 'true' });
  await lab.stack.sh('owncloud', 'rm /tmp/fail');
  await lab.stack.compose('restart', 'davit');
  await serves(lab.stack, 'owncloud');
  await lab.succeeds();
});

test('a restore into an empty stack of another name, with the same and with other passwords, gives the instance back', async ({ lab }) => {
  const { project } = lab.stack;
  // It has one where a case before this one has restored.
  const { 'data-fingerprint': _, ...known } = await configOf(lab.stack);
  await lab.stack.compose('down', '--volumes', '--timeout', '3');
  for (const variables of [{}, { DB_PASSWORD: 'another-password', DB_ROOT_PASSWORD: 'another-root-password' }]) {
    await using stack = await createApp('owncloud', { ...options(), variables });
    await stack.restore('latest', '--from-stack', project);

    await serves(stack, 'owncloud');
    const done = await deeds(stack, 'owncloud');
    expect(done.filter(({ did }) => did === 'install')).toEqual([]);
    expect(done.find(({ did }) => did === 'check')).toMatchObject({ wrong: [], rows: expect.toSatisfy((rows: number) => rows > 20) });
    const { 'data-fingerprint': fingerprint, ...config } = await configOf(stack);
    expect(fingerprint).toMatch(/^'[0-9a-f]{32}'$/);
    expect(config).toEqual(known);
    expect((await occ(stack)).map(({ did, maintenance }) => [did, maintenance])).toEqual([
      ['maintenance:data-fingerprint', true],
      ['maintenance:mode --off', true],
    ]);
    expect(await stack.sh('owncloud', 'setpriv --reuid=www-data --regid=www-data --clear-groups occ files:scan --all')).toMatch(/files$/);
    expect(await stack.sh('owncloud', 'stat -c %U:%G /mnt/data/files/.ocdata')).toBe('www-data:root');
    expect(await sql(stack, 'SELECT display_name FROM oc_accounts', 'mariadb', 'owncloud')).toBe('Ådmin 🚤');

    expect((await stack.backup()).status).toBe('complete');
    await serves(stack, 'owncloud');
  }
});
