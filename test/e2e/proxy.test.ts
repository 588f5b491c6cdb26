import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endpoints } from '../../src/docker/endpoints.ts';
import { healthy } from '../support/healthchecks.ts';
import { app, postgres, sqlIn } from '../support/services.ts';
import { type ComposeService, createStack, davitImage } from '../support/stack.ts';

const source = (path: string): string => join(import.meta.dirname, `../../${path}`);

/** A socket proxy as a service: it lets pass what Davit says it needs, apart from `missing`, and answers 403 to everything else. */
function proxy(...missing: readonly (keyof typeof endpoints)[]): ComposeService {
  const program = `
    import { startSocketProxy } from '/proxy/socket-proxy.ts';
    import { endpoints } from '/proxy/endpoints.ts';
    const allow = Object.entries(endpoints).filter(([name]) => !${JSON.stringify(missing)}.includes(name)).map(([, endpoint]) => endpoint);
    const { requests, refused } = await startSocketProxy({ listen: 'tcp', port: 2375, allow });
    process.on('SIGUSR1', () => console.log(JSON.stringify({ requests: requests.length, refused })));
    process.on('SIGTERM', () => process.exit());`;
  return {
    image: davitImage,
    pull_policy: 'never',
    init: true,
    entrypoint: ['node', '--input-type=module-typescript', '--eval', program.replaceAll('$', '$$')],
    volumes: [
      '/var/run/docker.sock:/var/run/docker.sock',
      `${source('test/support/socket-proxy.ts')}:/proxy/socket-proxy.ts:ro`,
      `${source('src/docker/endpoints.ts')}:/proxy/endpoints.ts:ro`,
    ],
    healthcheck: healthy('node', '--eval', "require('net').connect(2375, '127.0.0.1').on('connect', () => process.exit())"),
  };
}

test('Davit without the socket, behind a proxy that lets pass what SECURITY.md lists and nothing else', async () => {
  await using stack = await createStack({
    services: {
      proxy: proxy(),
      'no-workers': proxy('create'),
      'no-list': proxy('list'),
      app: app('files', { labels: ['davit.quiesce=stop', 'davit.hook.before=true'] }),
      paused: app('more', { labels: ['davit.quiesce=pause'] }),
      postgres: postgres('postgres'),
      unknown: { image: 'davit-test/app', labels: ['davit.enable=true'] },
    },
    volumes: ['files', 'more', 'postgres'],
    environment: { DOCKER_HOST: 'tcp://proxy:2375' },
    davit: { depends_on: { proxy: { condition: 'service_healthy' } } },
  });
  await stack.up();
  await stack.sh('app', 'echo word > /data/a');
  await stack.sh('postgres', sqlIn.postgres('CREATE TABLE t AS SELECT 1 AS id'));
  const manifest = await stack.backup();
  expect(manifest.status).toBe('complete');
  expect(Object.keys(manifest.downtimeMs).toSorted()).toEqual(['app', 'paused']);
  await stack.sh('app', 'rm /data/a');
  await stack.sh('postgres', sqlIn.postgres('DROP TABLE t'));
  expect((await stack.davit('drill')).exitCode).toBe(0);
  await stack.restore('latest');
  expect(await stack.sh('app', 'cat /data/a')).toBe('word');
  expect(await stack.sh('postgres', sqlIn.postgres('SELECT * FROM t'))).toBe('1');
  expect((await stack.davit('plan')).exitCode).toBe(0);
  expect(await stack.leftovers()).toEqual([]);

  const through = (service: string, ...args: string[]) =>
    stack.compose('exec', '-T', '-e', `DOCKER_HOST=tcp://${service}:2375`, 'davit', 'davit', ...args);
  expect(await through('no-list', 'plan')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(
      `docker at tcp://no-list:2375: GET /containers/json is refused — allow it in the socket proxy; Davit needs it to ${endpoints.list.reason}`,
    ),
  });
  const { exitCode, stderr } = await through('no-workers', 'backup');
  expect(stderr).toContain(
    `POST /containers/create is refused — allow it in the socket proxy; Davit needs it to ${endpoints.create.reason}`,
  );
  expect(exitCode).toBe(1);
  expect(await through('nobody', 'plan')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('the host name is not known') });

  await stack.compose('kill', '--signal', 'USR1', 'proxy');
  await expect
    .poll(async () => (await stack.compose('logs', '--no-log-prefix', 'proxy')).stdout)
    .toMatch(/"requests":\d{2,},"refused":\[\]/);
});
