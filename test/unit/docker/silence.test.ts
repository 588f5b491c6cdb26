import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { createDocker } from '../../../src/docker/dockerode.ts';

const container = {
  Id: 'id',
  Name: '/app',
  Image: 'sha256:1',
  Path: 'app',
  Args: [],
  State: { Status: 'running', StartedAt: '2026-11-21T00:00:00Z' },
  Config: { Image: 'app', Env: [], Labels: {} },
  Mounts: [],
};

test('a Docker that never answers about an image keeps nobody waiting', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const answers = new Map<string, object>([
    ['/version', { ApiVersion: '1.45' }],
    ['/v1.45/containers/id/json', container],
  ]);
  await using server = createServer(({ url = '' }, response) => {
    const answer = answers.get(url);
    if (answer === undefined) void vi.advanceTimersByTimeAsync(61_000);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clock = setInterval(() => vi.advanceTimersByTime(200), 50);
  expect(await createDocker({ host: `tcp://127.0.0.1:${port}` }).inspect('id')).toMatchObject({ name: 'app', imageId: 'sha256:1' });
  clearInterval(clock);
  vi.useRealTimers();
});
