import { expect, test } from 'vitest';
import type { Finding } from '../../src/commands/doctor.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app, maria, planted, postgres } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

test('plan explains itself; a service with a wrong label fails as that service, and the rest is captured', async () => {
  await using stack = await createStack({
    services: {
      app: app('files'),
      cache: { image: 'davit-test/app' },
      typo: app('more', { labels: ['davit.enable=true', 'davit.ordr=3'] }),
      maria: maria('maria'),
      postgres: postgres('postgres'),
    },
    volumes: ['files', 'more', 'maria', 'postgres'],
  });
  await stack.up();

  const text = await stack.davit('plan');
  expect(text.exitCode).toBe(2);
  expect(text.stdout).toContain('mariadb-dump');
  expect(text.stdout).toContain('unknown label davit.ordr — did you mean davit.order?');
  expect(text.stdout).not.toMatch(new RegExp(`${planted.maria}|${planted.postgres}`));
  const [plan] = await stack.json<Plan[]>(['plan'], 2);
  expect(plan?.sources.map(({ service, name }) => `${service}/${name}`)).toEqual([
    'maria/@accounts',
    'maria/shop',
    'postgres/@roles',
    'postgres/postgres',
    'app/files/data',
  ]);
  expect(plan?.skipped).toContainEqual(expect.objectContaining({ service: 'cache', what: 'everything' }));

  const manifest = await stack.backup(3);
  expect(manifest).toMatchObject({ status: 'incomplete', failures: [{ service: 'typo' }] });
  expect(manifest.artifacts).toHaveLength(5);
  expect((await stack.json<Manifest[]>(['list']))[0]).toMatchObject({ id: manifest.id, status: 'incomplete' });
  expect((await stack.davit('show', 'latest')).stderr).toContain('has no complete snapshot');
  const illness = await stack.davit('health', '--json');
  expect([illness.exitCode, JSON.parse(illness.stdout)]).toEqual([1, { error: expect.stringContaining('did you mean davit.order?') }]);
  expect(await stack.davit('doctor')).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('did you mean davit.order?') });
});

test('every command answers in JSON and in words', async () => {
  await using stack = await createStack({ services: { app: app('files') }, volumes: ['files'], environment: { DAVIT_KEEP: 'last=2' } });
  await stack.up();
  expect(await stack.json(['list'])).toEqual([]);
  expect(await stack.davit('list')).toMatchObject({ exitCode: 0, stdout: 'no snapshots yet' });
  expect((await stack.davit('verify')).exitCode).toBe(1);
  await stack.sh('app', 'echo word > /data/a');
  const [first, second] = [await stack.backup(), await stack.backup()];

  expect(await stack.json<Manifest[]>(['list'])).toEqual([second, first]);
  expect(await stack.json<Manifest>(['show', first.id])).toEqual(first);
  expect((await stack.davit('show', 'latest')).stdout).toContain(`snapshot ${second.id} of stack ${stack.project}, set default: complete`);
  expect(await stack.json(['verify'])).toEqual({ verified: [second.id, first.id], problems: [] });
  expect(await stack.json(['verify', first.id])).toEqual({ verified: [first.id], problems: [] });
  expect(await stack.json(['verify', first.id, '--read-data=50%'])).toEqual({ verified: [first.id], problems: [], read: '50%' });
  expect((await stack.davit('verify', 'latest', '--no-read-data')).stdout).toBe(`ok ${second.id} (its bytes were not read)`);
  expect(await stack.davit('verify', '--read-data', 'latest')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(
      'davit verify --read-data: expected a share such as 10% or 1/5, with at most 256 parts: latest — write',
    ),
  });
  expect((await stack.davit('cat', 'latest', 'app/data')).stdout).toContain('word');
  expect(await stack.davit('cat', 'latest', 'app/nothing')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('it has app/files/data'),
  });
  const health = await stack.json<{ nextRunAt: string; startedAt: string }>(['health']);
  expect([health.nextRunAt, health.startedAt].map(Date.parse)).not.toContain(Number.NaN);

  const prune = (...options: string[]) => stack.compose('exec', '-T', '-e', 'DAVIT_KEEP=last=1', 'davit', 'davit', 'prune', ...options);
  const verdicts = [
    { id: second.id, set: 'default', keep: true, reasons: ['last', 'the last good snapshot'] },
    { id: first.id, set: 'default', keep: false, reasons: [] },
  ];
  expect(JSON.parse((await prune('--dry-run', '--json')).stdout)).toEqual(verdicts);
  expect(await stack.json<Manifest[]>(['list'])).toHaveLength(2);
  const files = async (): Promise<string[]> => (await stack.sh('davit', 'cd /backups && find . -type f | sort')).split('\n');
  const before = await files();
  expect((await prune('--dry-run')).stdout).toContain(`would remove ${first.id}`);
  expect(await files()).toEqual(before);
  expect((await prune()).stdout).toContain(`removed ${first.id}`);
  expect(await stack.json<Manifest[]>(['list'])).toEqual([second]);
  const after = await files();
  expect(after.length).toBeLessThan(before.length);
  const { findings } = await stack.json<{ findings: Finding[] }>(['doctor']);
  expect(findings.filter(({ verdict }) => verdict === 'ok').map(({ about }) => about)).toEqual([
    'stack',
    'worker',
    'storage',
    'set default',
    'snapshots of default',
    'snapshots of default',
    'schedule',
  ]);
  expect(await files()).toEqual(after);
});

test('a stack without a labelled service, or a storage without a volume, is an error and not a silence', async () => {
  await using stack = await createStack({ services: { app: app('files', { labels: [] }) }, volumes: ['files'] });
  await stack.up();
  expect(await stack.davit('backup')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/no service takes part.*davit\.enable=true/),
  });
  expect((await stack.davit('plan')).exitCode).toBe(2);
  const nowhere = await stack.compose('exec', '-T', '-e', 'DAVIT_STORAGE=file:///nowhere', 'davit', 'davit', 'backup');
  expect(nowhere.exitCode).toBe(2);
  expect(await stack.davit()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('the daemon runs already') });
  expect(await stack.davit('frob')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('unknown command: frob') });
});

test('sets are captured apart, each with its own retention and storage; labels can come from a file', async () => {
  await using stack = await createStack({
    services: { app: app('files', { labels: ['davit.set=shop'] }), images: { image: 'davit-test/app', volumes: ['more:/images'] } },
    volumes: ['files', 'more'],
    environment: { DAVIT_STORAGE_COLD: 'file:///backups/cold', DAVIT_LABELS_FILE: '/run/configs/labels' },
    davit: {
      labels: ['davit.set.images.storage=cold', 'davit.set.images.keep=last=1'],
      configs: [{ source: 'labels', target: '/run/configs/labels' }],
    },
    top: { configs: { labels: { content: 'services: {images: {davit.set: images}}' } } },
  });
  await stack.up();
  await stack.sh('app', 'echo a > /data/a');
  await stack.sh('images', 'echo i > /images/i');
  for (let round = 0; round < 2; round += 1) expect((await stack.davit('backup')).exitCode).toBe(0);

  const listed = await stack.json<Manifest[]>(['list']);
  expect(listed.map(({ set, storage }) => `${set} ${storage ?? 'default'}`).toSorted()).toEqual([
    'images cold',
    'shop default',
    'shop default',
  ]);
  expect((await stack.davit('verify')).exitCode).toBe(0);
  await stack.sh('images', 'rm /images/i');
  await stack.restore('latest', '--set', 'images', '--no-safety');
  expect(await stack.sh('images', 'cat /images/i')).toBe('i');
  expect((await stack.davit('restore', 'latest', '--yes')).stderr).toContain('has several sets');
});

test('the daemon backs up by itself and its container turns healthy or not', async () => {
  await using stack = await createStack({
    services: { app: app('files', { labels: ['davit.enable=true', 'davit.hook.before-restore=sleep 7'] }) },
    volumes: ['files'],
    environment: { DAVIT_SCHEDULE: '*/2 * * * * *', DAVIT_KEEP: 'last=2' },
  });
  await stack.up();
  await expect
    .poll(async () => (await stack.json<Manifest[]>(['list'])).filter(({ status }) => status === 'complete').length, { timeout: 60_000 })
    .toBe(2);
  expect((await stack.davit('health')).exitCode).toBe(0);

  // It takes longer than a command would wait.
  await stack.restore('latest', '--no-safety');
  expect((await stack.davit('health')).exitCode).toBe(0);
  const { stdout: log } = await stack.compose('logs', 'davit');
  expect(log).toContain('waiting until what is under way is done');
  expect(log).not.toContain('backup failed');
  const stop = performance.now();
  await stack.compose('stop', 'davit');
  expect(performance.now() - stop).toBeLessThan(9000);
});
