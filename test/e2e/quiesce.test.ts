import { execa } from 'execa';
import { expect, test } from 'vitest';
import { until } from '../support/docker.ts';
import { healthy } from '../support/healthchecks.ts';
import { app } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';

async function state(stack: TestStack, service: string): Promise<string> {
  return (await execa('docker', ['inspect', '--format', '{{.State.Status}}', await stack.container(service)])).stdout;
}

/** Its hook holds a run while the stack stands still, for as long as it is closed: how long the archive takes depends on machine and format. */
const gate = app('gate', { labels: ['davit.hook.after-dump=while test -e /data/closed; do sleep 0.1; done'] });
const close = (stack: TestStack): Promise<string> => stack.sh('gate', 'touch /data/closed');
const open = (stack: TestStack): Promise<string> => stack.sh('gate', 'rm /data/closed');

test('hooks run in their phases, the app stands still while it is read, and everything that writes its volume too', async () => {
  await using stack = await createStack({
    services: {
      app: app('files', {
        labels: [
          'davit.quiesce=stop',
          'davit.hook.before=echo before >> /data/log; read word; echo $$word >> /data/log',
          'davit.hook.before.stdin=typed',
          'davit.hook.after=echo after >> /data/log',
        ],
      }),
      sidekick: { image: 'davit-test/app', volumes: ['files:/shared'] },
      idle: { image: 'davit-test/app', volumes: ['files:/shared'] },
    },
    volumes: ['files'],
  });
  await stack.up();
  await stack.compose('stop', 'idle');
  const manifest = await stack.backup();
  expect(Object.keys(manifest.downtimeMs).toSorted()).toEqual(['app', 'sidekick']);
  expect(await stack.sh('app', 'cat /data/log')).toBe('before\ntyped\nafter');
  expect([await state(stack, 'app'), await state(stack, 'sidekick'), await state(stack, 'idle')]).toEqual(['running', 'running', 'exited']);
  const kept = await stack.davit('restore', manifest.id, '--to', '/tmp/out');
  expect(kept.exitCode).toBe(0);
  expect(await stack.sh('davit', 'cat /tmp/out/app/files/data/log')).toBe('before\ntyped');
  expect(await stack.leftovers()).toEqual([]);
});

test('a failing hook makes the set incomplete, a warning one does not, and `after` runs all the same', async () => {
  const labels = [
    'davit.hook.before=exit 7',
    'davit.hook.before.2=echo Command failed',
    'davit.hook.before.2.fail-on-output=Command failed',
    // Much is said behind it.
    'davit.hook.before.3={ echo Command failed; yes | head -n 50000; } >&2',
    'davit.hook.before.3.fail-on-output=Command failed',
    'davit.hook.after=touch /data/after',
  ];
  await using stack = await createStack({
    services: {
      app: app('files', { labels }),
      soft: app('more', { labels: ['davit.hook.before=exit 1', 'davit.hook.before.on-error=warn'] }),
    },
    volumes: ['files', 'more'],
  });
  await stack.up();
  const { failures, artifacts, warnings } = await stack.backup(3);
  expect(warnings).toContainEqual(expect.stringMatching(/"soft": davit\.hook\.before ended with exit code 1/));
  expect(failures.map(({ service, error }) => `${service}: ${error}`)).toEqual([
    expect.stringMatching(/^app: .*davit\.hook\.before ended with exit code 7/),
    expect.stringMatching(/^app: .*davit\.hook\.before\.2 contains what means failure: Command failed/),
    expect.stringMatching(/^app: .*davit\.hook\.before\.3 contains what means failure: Command failed/),
  ]);
  expect(artifacts).toHaveLength(2);
  expect(await stack.sh('app', 'ls /data')).toBe('after');
});

test.each([
  ['restarted', ['restart', '--timeout', '1', 'davit']],
  ['recreated', ['up', '-d', '--force-recreate', 'davit']],
])('killed while the app stands still and then %s, Davit brings the app back', async (_, revival) => {
  await using stack = await createStack({
    services: {
      app: app('files', { labels: ['davit.quiesce=stop', 'davit.hook.after=touch /data/after'] }),
      paused: app('more', { labels: ['davit.quiesce=pause'] }),
      gate,
    },
    volumes: ['files', 'more', 'gate'],
  });
  await stack.up();
  await close(stack);
  const backup = stack.davit('backup');
  await until(
    'the app stands still',
    async () => (await state(stack, 'app')) === 'exited' && (await state(stack, 'paused')) === 'paused',
    60_000,
  );
  await stack.compose('kill', 'davit');
  expect((await backup).exitCode).not.toBe(0);
  expect(await state(stack, 'app')).toBe('exited');
  await open(stack);

  await stack.compose(...revival);
  await until(
    'both are back',
    async () => (await state(stack, 'app')) === 'running' && (await state(stack, 'paused')) === 'running',
    60_000,
  );
  await until('the journal is closed', async () => (await stack.leftovers()).length === 0, 60_000);
  expect(await stack.sh('app', 'ls /data/after')).toBe('/data/after');
  expect(await stack.json<unknown[]>(['list'])).toEqual([]);
  expect((await stack.backup()).status).toBe('complete');
});

test('killed while an app takes its time to stop, which Docker goes on with: Davit brings it back', async () => {
  const entrypoint = ['sh', '-c', "trap 'touch /data/stopping; sleep 6; exit' TERM; rm -f /data/stopping; while :; do sleep 0.1; done"];
  await using stack = await createStack({
    services: { app: app('files', { entrypoint, restart: 'always', labels: ['davit.quiesce=stop'] }) },
    volumes: ['files'],
  });
  await stack.up();
  const backup = stack.davit('backup');
  await until('it stops', async () => (await stack.compose('exec', '-T', 'app', 'test', '-e', '/data/stopping')).exitCode === 0, 60_000);
  await stack.compose('kill', 'davit');
  expect((await backup).exitCode).not.toBe(0);
  await stack.compose('up', '-d', '--force-recreate', 'davit');
  await until('the journal is closed', async () => (await stack.leftovers()).length === 0, 60_000);
  expect(await stack.sh('app', 'ls /data')).toBe('');
});

test('who starts only beside a healthy service is started when that is healthy again', async () => {
  await using stack = await createStack({
    services: {
      search: app('files', {
        command: ['sh', '-c', 'rm -f /data/up; sleep 3; touch /data/up; sleep infinity'],
        healthcheck: healthy('test', '-e', '/data/up'),
        labels: ['davit.quiesce=stop'],
      }),
      web: app('more', {
        command: ['sh', '-c', 'test -e /search/up && sleep infinity'],
        depends_on: { search: { condition: 'service_healthy' } },
        volumes: ['files:/search:ro', 'more:/data'],
        labels: ['davit.quiesce=stop'],
      }),
    },
    volumes: ['files', 'more'],
  });
  await stack.up();
  await stack.backup();
  expect(await state(stack, 'web')).toBe('running');
});

test('an app that compose starts, or makes anew, in the middle of a run: the snapshot is not called complete, and the app runs', async () => {
  await using stack = await createStack({
    services: { app: app('files', { labels: ['davit.quiesce=stop'] }), other: app('more', { labels: ['davit.quiesce=stop'] }), gate },
    volumes: ['files', 'more', 'gate'],
  });
  await stack.up();
  await stack.sh('app', 'head -c 300000000 /dev/urandom > /data/random');
  await close(stack);
  const backup = stack.davit('backup');
  await until(
    'all stands still',
    async () => (await state(stack, 'app')) === 'exited' && (await state(stack, 'other')) === 'exited',
    60_000,
  );
  await stack.compose('up', '-d', '--force-recreate', 'app');
  await open(stack);
  const { exitCode, stderr } = await backup;
  expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/service \\?"app\\?": ran while it had to stand still/)]);
  expect([await state(stack, 'app'), await state(stack, 'other')]).toEqual(['running', 'running']);
  expect(await stack.leftovers()).toEqual([]);
  expect((await stack.backup()).status).toBe('complete');

  const restore = ['restore', 'latest', '--yes', '--no-safety'];
  const disturbed = stack.davit(...restore);
  await until('the app stands still', async () => (await state(stack, 'app')) === 'exited', 60_000);
  await execa('docker', ['start', await stack.container('app')]);
  expect((await disturbed).stderr).toMatch(/service "app": ran while it had to stand still/);
  expect((await stack.davit('health')).stderr).toContain('what a restore has left is not to be relied on');
  expect((await stack.davit(...restore)).exitCode).toBe(0);
  expect((await stack.davit('health')).exitCode).toBe(0);
});
