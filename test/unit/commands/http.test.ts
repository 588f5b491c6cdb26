import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { serve } from '../../../src/commands/http.ts';
import type { Context } from '../../../src/context.ts';
import { manifest } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

async function taken() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise((resolve) => server.close(resolve)) };
}

async function started(more: Partial<Context> = {}) {
  const { port, free } = await taken();
  await free();
  let lists = 0;
  const list = async () => {
    lists += 1;
    return { manifests: [manifest()], damaged: [] };
  };
  const context = {
    ...fakeContext({ containers: [], environment: { DAVIT_HTTP: `127.0.0.1:${port}` } }),
    repository: { list } as never,
    ...more,
  };
  const server = await serve(context, 'shop');
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
  return { get, lists: () => lists, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test('/metrics is Prometheus text, and does not list the snapshots each time', async () => {
  await using http = await started();
  const first = await http.get('/metrics');
  expect(first.status).toBe(200);
  expect(first.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await first.text()).toContain('davit_snapshots{set="default",kind="complete"} 1');
  await http.get('/metrics');
  expect(http.lists()).toBe(1);
});

test('a storage that does not answer leaves the other metrics', async () => {
  const repository = { list: () => Promise.reject(new Error('down')) };
  await using http = await started({ repository: repository as never });
  const answer = await http.get('/metrics');
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('davit_healthy');
});

test('/health is JSON; nothing else is there, and nothing can be sent', async () => {
  await using http = await started();
  const health = await http.get('/health?x=1');
  expect([200, 503]).toContain(health.status);
  expect(Object.keys((await health.json()) as object)).toEqual(expect.arrayContaining([health.status === 200 ? 'startedAt' : 'error']));
  expect((await http.get('/')).status).toBe(404);
  expect((await http.get('/metrics/../etc/passwd')).status).toBe(404);
  expect((await http.get('/toString')).status).toBe(404);
  expect((await http.get('/metrics', 'POST')).status).toBe(405);
});

test('a port that is taken is a clear error of configuration', async () => {
  const { port, free } = await taken();
  const context = fakeContext({ containers: [], environment: { DAVIT_HTTP: `127.0.0.1:${port}` } });
  await expect(serve(context, 'shop')).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^DAVIT_HTTP: this address cannot be listened on: .*EADDRINUSE.* — choose another port/),
  });
  await free();
});

test('without DAVIT_HTTP nothing listens', async () => {
  await using server = await serve(fakeContext({ containers: [] }), 'shop');
  expect(server).toBeDefined();
});
