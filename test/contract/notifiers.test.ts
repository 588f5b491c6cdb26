import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNotifiers, notifiers } from '../../src/notifiers/index.ts';
import type { Notice } from '../../src/notifiers/notifier.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let received: Received[] = [];
let status = 200;
/** The server takes the request and never answers. */
let silent = false;
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    received.push({ path: request.url ?? '', headers: request.headers, body });
    if (!silent) response.writeHead(status, { location: '/page' }).end('answer');
  });
});

beforeEach(async () => {
  [received, status, silent] = [[], 200, false];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const host = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;
const complete: Notice = {
  stack: 'shop',
  set: 'default',
  status: 'complete',
  snapshot: '20261121T030000Z-3f9a1c',
  durationMs: 61_000,
  bytes: 5,
};
const failed: Notice = { stack: 'shop', set: 'images', status: 'failed', error: 'service "db": it is full 🚢', durationMs: 10 };

/** What the server heard after these notices. */
async function tell(address: string, ...notices: readonly Notice[]): Promise<Received[]> {
  const [notifier] = createNotifiers([address.replace('HOST', host())]);
  for (const notice of notices) await notifier?.notify(notice, AbortSignal.timeout(5000));
  return received;
}

describe.each(Object.keys(notifiers))('every kind: "%s"', (kind) => {
  const address = (at: string): string => `${kind === '' ? '' : `${kind}+`}http://user:geheim@${at}/secret-path`;

  test.each([complete, failed, { ...complete, status: 'incomplete' as const }])(
    'tells of $status, with a login in a header',
    async (notice) => {
      const [heard, ...more] = await tell(address('HOST'), notice);
      expect(more).toEqual([]);
      expect(heard?.headers.authorization).toBe(`Basic ${Buffer.from('user:geheim').toString('base64')}`);
      expect(heard?.path).toContain('/secret-path');
      expect(heard?.body).toContain('shop');
    },
  );

  test('an answer other than 2xx is an error that shows no more of the address than the host', async () => {
    status = 403;
    await expect(tell(address('HOST'), complete)).rejects.toThrow(`${host()}: refused the notification: status 403 — check DAVIT_NOTIFY`);
  });

  test.each([301, 302, 308])('an address that leads elsewhere (%i) is an error: who follows it loses the text', async (redirect) => {
    status = redirect;
    await expect(tell(address('HOST'), complete)).rejects.toThrow(
      `${host()}: refused the notification: status ${redirect} — name the address that it leads to in DAVIT_NOTIFY`,
    );
    expect(received.filter(({ path }) => path === '/page')).toEqual([]);
  });

  test('nobody there is an error that says why, and shows no more of the address than the host', async () => {
    const error = await tell(address('127.0.0.1:1'), complete).catch(String);
    expect(error).toMatch(/127\.0\.0\.1:1: does not answer: .*(ECONNREFUSED|bad port)/);
    expect(error).not.toMatch(/secret-path|geheim/);
  });

  test('a server that never answers is given up at the signal', async () => {
    silent = true;
    const [notifier] = createNotifiers([address(host())]);
    await expect(notifier?.notify(complete, AbortSignal.timeout(50))).rejects.toThrow('does not answer');
  });
});

test('a webhook gets JSON, and nothing at the start', async () => {
  const heard = await tell('http://HOST/hook?x=1', { ...complete, status: 'started' }, failed);
  expect(heard).toMatchObject([{ path: '/hook?x=1', headers: { 'content-type': 'application/json' } }]);
  expect(JSON.parse(heard[0]?.body ?? '')).toEqual(failed);
});

test('healthchecks hears start, success and failure at the addresses it has for them', async () => {
  const heard = await tell(
    'hc+http://HOST/uuid/',
    { ...complete, status: 'started' },
    complete,
    { ...complete, status: 'incomplete' },
    failed,
  );
  expect(heard.map(({ path }) => path)).toEqual(['/uuid/start', '/uuid/', '/uuid/fail', '/uuid/fail']);
  expect(heard[3]?.body).toBe('Backup of shop (images) failed\n0 s\nservice "db": it is full 🚢');
});

test('ntfy gets a message whose priority says how bad it is', async () => {
  const [good, bad] = await tell('ntfy+http://HOST/topic', { ...complete, status: 'started' }, complete, failed);
  const title = (one: Received | undefined) => Buffer.from(String(one?.headers['title']).slice(10, -2), 'base64').toString();
  expect([good?.path, title(good), good?.headers['priority']]).toEqual(['/topic', 'Backup of shop complete', 'low']);
  expect([bad?.path, title(bad), bad?.headers['priority']]).toEqual(['/topic', 'Backup of shop (images) failed', 'high']);
  expect(bad?.body).toContain('it is full 🚢');
});

test('ntfy gets no more than a message may hold, which would become a file, or be refused', async () => {
  const [long, short] = await tell('ntfy+http://HOST/topic', { ...failed, error: '🚢'.repeat(2000) }, failed);
  expect(Buffer.byteLength(long?.body ?? '')).toBeLessThanOrEqual(4096);
  expect(long?.body).toMatch(/^Backup of shop \(images\) failed\n0 s\n(🚢)+ …$/u);
  expect(short?.body).toBe('Backup of shop (images) failed\n0 s\nservice "db": it is full 🚢');
});
