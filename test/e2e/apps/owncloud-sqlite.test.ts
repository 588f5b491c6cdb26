import { expect } from 'vitest';
import { captured, createApp, deeds, expectStandstill, serves } from '../../support/app-stack.ts';
import { quick } from '../../support/healthchecks.ts';
import { until } from '../../support/docker.ts';
import { layout } from '../failures/layout.ts';
import { breaks } from './mutations.ts';
import { configOf, occ, ownCloudTest } from './owncloud.ts';

/** compose-examples/owncloud-sqlite. */
const services = () => ({ owncloud: { healthcheck: quick } });
const database = '/mnt/data/files/owncloud.db';
const { test, options } = ownCloudTest('owncloud-sqlite', services);

test('a backup holds a safe copy of the database and not the live one, of a moment without users', async ({ lab: { stack, succeeds } }) => {
  const manifest = await succeeds();
  expect(manifest.artifacts.map(({ service, name }) => `${service}/${name}`)).toEqual([
    'davit/files/stack',
    'owncloud/files/mnt/data',
    `owncloud/sqlite${database}`,
  ]);
  expect(manifest.artifacts.find(({ kind }) => kind === 'sqlite')).toMatchObject({ details: { integrity: 'ok' } });
  const packed = (await stack.sh('davit', `davit cat ${manifest.id} owncloud/files/mnt/data | tar -t`)).split('\n');
  expect(packed).toEqual(expect.arrayContaining(['./files/.ocdata', './files/.htaccess', './config/config.php']));
  expect(packed.filter((name) => /sessions\/.|owncloud\.(db|log)/.test(name))).toEqual([]);
  expect(await stack.sh('owncloud', `ls ${database}-wal`)).toBe(`${database}-wal`);

  await expectStandstill(stack, 'owncloud', manifest);
  const { from, to } = captured(manifest);
  const [on, off] = (await occ(stack)).slice(-2);
  expect([on?.did, off?.did]).toEqual(['maintenance:mode --on', 'maintenance:mode --off']);
  expect([(on?.at ?? Infinity) < from, (off?.at ?? 0) > to]).toEqual([true, true]);
  expect(await configOf(stack)).toMatchObject({ maintenance: 'false' });
});

breaks(test, {
  service: 'owncloud',
  database: {
    service: 'owncloud',
    name: `sqlite${database}`,
    async hold({ s3 }) {
      const struck = s3.inject({ stall: true }, (request) => layout.isUpload(request, 'owncloud'), Infinity);
      return {
        reached: () => until('an upload is stalled', () => struck() > 0, 60_000),
        [Symbol.asyncDispose]: async () => s3.heal(),
      };
    },
  },
  hook: {
    breaks: 'echo --on > /tmp/fail',
    mends: 'rm /tmp/fail',
    says: ['service "owncloud"', 'davit.hook.before ended with exit code 1', 'An unhandled exception'],
  },
});

test('a restore into an empty stack of another name gives the instance back, to its last row', async ({ lab }) => {
  const { project } = lab.stack;
  const known = await configOf(lab.stack);
  await lab.stack.compose('down', '--volumes', '--timeout', '3');
  await using stack = await createApp('owncloud-sqlite', { ...options() });
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
  expect(await stack.sh('owncloud', `stat -c %U:%G ${database} /mnt/data/files/.ocdata`)).toBe('www-data:root\nwww-data:root');

  expect((await stack.backup()).status).toBe('complete');
  await serves(stack, 'owncloud');
});
