import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import { discover, settingsOf } from '../../../src/steps/discover.ts';
import { composeContainer, container } from '../../support/builders.ts';
import { fakeContext, ownContainer } from '../../support/fake-context.ts';

const labels = { 'davit.set.images.storage': 'images' };
const enabled = { 'davit.enable': 'true' };

describe('the stack', () => {
  test("is the compose project of Davit's own container, with Davit in it", async () => {
    const stack = await discover(fakeContext({ containers: [composeContainer('app'), composeContainer('app', { project: 'other' })] }));
    expect(stack.name).toBe('shop');
    expect(stack.own).toBe(ownContainer);
    expect(stack.services.map(({ name, own }) => [name, own])).toEqual([
      ['app', false],
      ['davit', true],
    ]);
  });

  test('can be another one, by DAVIT_STACK', async () => {
    const containers = [composeContainer('app', { project: 'other' })];
    const stack = await discover(fakeContext({ containers, environment: { DAVIT_STACK: 'other' } }));
    expect(stack.name).toBe('other');
    expect(stack.services.map(({ name, own }) => [name, own])).toEqual([
      ['app', false],
      ['davit', true],
    ]);
  });

  test("of another project may have a service of Davit's name, which is not Davit", async () => {
    const containers = [composeContainer('davit', { project: 'other', labels: { 'davit.set.x.keep': 'last=1' } })];
    const { services } = await discover(fakeContext({ containers, environment: { DAVIT_STACK: 'other' } }));
    expect(services.map(({ name, own, problems }) => [name, own, problems.length])).toEqual([
      ['davit', false, 1],
      ['shop-davit-1', true, 0],
    ]);
  });

  test('what `docker compose run` made is no part of it', async () => {
    const run = composeContainer('app', { number: 9, labels: { 'com.docker.compose.oneoff': 'True' } });
    const { services } = await discover(fakeContext({ containers: [run, composeContainer('app')] }));
    expect(services[0]?.containers).toHaveLength(1);
  });

  test('what was made of an image that compose has built is no part of it, nor are workers of a Davit that it has built', async () => {
    const ofImage = (service: string) => ({ 'com.docker.compose.project': 'shop', 'com.docker.compose.service': service });
    const strangers = [
      container({ name: 'by-hand', labels: ofImage('app') }),
      container({ name: 'davit-worker-shop-1', labels: { ...ofImage('davit'), 'io.davit.worker': 'shop' } }),
    ];
    const { services } = await discover(fakeContext({ containers: [...strangers, composeContainer('app', { labels: enabled })] }));
    expect(services.map(({ name, labels, containers }) => [name, labels?.enable, containers.length])).toEqual([
      ['app', true, 1],
      ['davit', undefined, 1],
    ]);
  });

  test.each<[string, readonly Container[]]>([
    ['beside the daemon', [composeContainer('davit', { project: 'web', labels })]],
    ['where the daemon was never started', []],
  ])('Davit itself may be of `docker compose run`: %s', async (_, daemon) => {
    const run = { id: 'run', name: 'web-davit-run-1', project: 'web', labels: { ...labels, 'com.docker.compose.oneoff': 'True' } };
    const containers = [composeContainer('davit', run), ...daemon, composeContainer('app', { project: 'web' })];
    const stack = await discover(fakeContext({ containers, self: 'run' }));
    expect(stack.own.id).toBe('run');
    expect(stack.services.map((one) => [one.name, one.own, one.problems, one.containers.length])).toEqual([
      ['app', false, [], 1],
      ['davit', true, [], 1],
    ]);
    expect(settingsOf(stack, 'images')).toEqual({ storage: 'images' });
  });

  test('outside a container, or outside of compose, it cannot be told', async () => {
    await expect(discover(fakeContext({ containers: [], self: undefined }))).rejects.toThrow(/cannot tell which container this is/);
    const lonely = { ...composeContainer('x'), labels: {} };
    await expect(discover(fakeContext({ containers: [lonely], self: lonely.id }))).rejects.toThrow(
      /belongs to no compose project .* DAVIT_STACK/,
    );
  });
});

describe('a service', () => {
  const first = async (...containers: Parameters<typeof fakeContext>[0]['containers']) =>
    (await discover(fakeContext({ containers }))).services[0];

  test('shows its running containers first, then by number', async () => {
    const replicas = [3, 1, 2].map((number) => composeContainer('app', { number, state: number === 1 ? 'exited' : 'running' }));
    expect((await first(...replicas))?.containers.map(({ name }) => name)).toEqual(['shop-app-2', 'shop-app-3', 'shop-app-1']);
  });

  test('takes part with any davit label', async () => {
    expect((await first(composeContainer('app', { labels: { 'davit.order': '3' } })))?.labels).toMatchObject({ enable: true, order: 3 });
  });

  test('takes no part without one, or when it opted out, whatever else it says', async () => {
    for (const labels of [{}, { 'davit.enable': 'false', 'davit.ordr': '3' }])
      expect(await first(composeContainer('app', { labels }))).toMatchObject({ labels: undefined, problems: [] });
  });

  test("may not tune sets: that is for Davit's own service", async () => {
    const app = await first(composeContainer('app', { labels: { 'davit.set.shop.keep': 'last=1' } }));
    expect(app?.labels).toBeUndefined();
    expect(app?.problems.map(({ message }) => message)).toEqual([expect.stringContaining("davit.set.* belong on Davit's own service")]);
  });

  test('with a wrong label takes no part, and says so as that service', async () => {
    const broken = await first(composeContainer('app', { labels: { ...enabled, 'davit.ordr': '3' } }));
    expect(broken?.labels).toBeUndefined();
    expect(broken?.problems.map(({ message }) => message)).toEqual([expect.stringContaining('service "app": unknown label davit.ordr')]);
  });

  test('knows what it depends on', async () => {
    const labels = { 'com.docker.compose.depends_on': 'db:service_healthy:false,cache:service_started:true' };
    expect((await first(composeContainer('app', { labels })))?.dependsOn).toEqual([
      { service: 'db', condition: 'service_healthy' },
      { service: 'cache', condition: 'service_started' },
    ]);
  });
});

test('values of variables that are named like a secret are protected before anything is said', async () => {
  const env = {
    MYSQL_ROOT_PASSWORD: 'secret-1',
    API_TOKEN: 'secret-2',
    CLIENT_SECRET: 'secret-3',
    AWS_ACCESS_KEY_ID: 'secret-4',
    SMTP_PASS: 'secret-5',
    DB_PASSWORD_FILE: '/run/secrets/plain-1',
    LANG: 'plain-2',
    MYSQL_ALLOW_EMPTY_PASSWORD: 'true',
  };
  const context = fakeContext({ containers: [composeContainer('app', { env })] });
  await discover(context);
  const text = Object.values(env).join(' ');
  expect(context.redactor.redact(text)).toBe(`${'[redacted] '.repeat(5)}/run/secrets/plain-1 plain-2 true`);
});

test('a secret that is also the name of a service, a user or a database is printed: without it no answer could be read', async () => {
  const env = { MYSQL_USER: 'nextcloud', MYSQL_PASSWORD: 'nextcloud', MYSQL_ROOT_PASSWORD: 'webshop', POSTGRES_PASSWORD: 'nextclouds' };
  const context = fakeContext({ containers: [composeContainer('webshop', { env })] });
  await discover(context);
  expect(context.redactor.redact('webshop nextcloud nextclouds')).toBe('webshop nextcloud [redacted]');
});
