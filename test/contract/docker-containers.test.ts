import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createDocker } from '../../src/docker/dockerode.ts';
import { docker, startContainer, until } from '../support/docker.ts';
import { startSocketProxy } from '../support/socket-proxy.ts';

const davit = createDocker();
const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Our own code inside a container that holds Docker's socket, as the sidecar does. */
const mountsOfSidecar = [
  '/var/run/docker.sock:/var/run/docker.sock',
  `${repository}:${repository}:ro`,
  `${process.execPath}:/usr/local/bin/node:ro`,
];
const sidecar = mountsOfSidecar.flatMap((mount) => ['-v', mount]);
const askSelf = `import { createDocker } from '${repository}/src/docker/dockerode.ts'; console.log(await createDocker().self() ?? 'nobody');`;

test('containers are found by all of their labels, running or not, with what discovery needs', async () => {
  const key = `davit-test.group=${crypto.randomUUID()}`;
  await using running = await startContainer({
    options: ['--label', key, '--label', 'davit-test.extra', '-e', 'A=b=c', '--tmpfs', '/run'],
  });
  await using created = await startContainer({ options: ['--label', key] });
  await docker('stop', '-t', '0', created.id);
  const found = await davit.containers([key]);
  expect(found.map(({ id, state }) => ({ id, state }))).toEqual(
    expect.arrayContaining([
      { id: running.id, state: 'running' },
      { id: created.id, state: 'exited' },
    ]),
  );
  expect((await davit.containers([key, 'davit-test.extra'])).map(({ id }) => id)).toEqual([running.id]);
  expect(await davit.containers([key, 'davit-test.none'])).toEqual([]);
  expect(await davit.inspect(running.id)).toMatchObject({
    name: running.name,
    image: 'davit-test/app',
    health: 'none',
    command: ['tini', '--', 'sleep', 'infinity'],
    env: { A: 'b=c' },
  });
});

test('mounts of every kind', async () => {
  const volume = `davit-test-${crypto.randomUUID()}`;
  try {
    await using box = await startContainer({
      options: ['-v', `${volume}:/data`, '-v', '/etc:/conf:ro', '--mount', 'type=tmpfs,dst=/scratch'],
    });
    expect((await davit.inspect(box.id)).mounts).toEqual(
      expect.arrayContaining([
        { type: 'volume', source: volume, destination: '/data', writable: true },
        { type: 'bind', source: '/etc', destination: '/conf', writable: false },
        { type: 'tmpfs', source: '', destination: '/scratch', writable: true },
      ]),
    );
  } finally {
    await docker('volume', 'rm', volume);
  }
});

test('programs of a container; none when it is stopped', async () => {
  await using box = await startContainer();
  await until('the entrypoint has done its work', async () => (await davit.processes(box.id)).join() === 'tini,sleep');
  await docker('stop', '-t', '0', box.id);
  expect(await davit.processes(box.id)).toEqual([]);
});

test('stop, start, pause and unpause; each again is no error', async () => {
  await using box = await startContainer();
  const state = async (): Promise<string> => (await davit.inspect(box.id)).state;
  for (const [act, expected] of [
    [() => davit.pause(box.id), 'paused'],
    [() => davit.unpause(box.id), 'running'],
    [() => davit.stop(box.id, 10_000), 'exited'],
    [() => davit.start(box.id), 'running'],
  ] as const) {
    await act();
    expect(await state()).toBe(expected);
    await act();
    expect(await state()).toBe(expected);
  }
  await davit.stop(box.id, 1000);
  await expect(davit.pause(box.id)).rejects.toThrow(/^container "davit-test-.*": Docker refused POST .*not running/);
});

test('stop kills a container that does not obey in time', async () => {
  await using box = await startContainer({ command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] });
  const start = performance.now();
  await davit.stop(box.id, 1500);
  expect(performance.now() - start).toBeGreaterThan(1500);
  expect((await davit.inspect(box.id)).state).toBe('exited');
});

test.each(['end', 'reset'] as const)('a stop whose connection is cut (%s) is waited for all the same', async (how) => {
  await using proxy = await startSocketProxy({ listen: 'tcp' });
  await using box = await startContainer({ command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] });
  const stopping = createDocker({ host: proxy.host }).stop(box.id, 2000);
  await until('Docker is asked', () => proxy.requests.some((request) => request.endsWith('/stop')));
  proxy.cut(how);
  await stopping;
  expect((await davit.inspect(box.id)).state).toBe('exited');
});

test('a note is a container that never runs; removing it twice is no error', async () => {
  const name = `davit-test-note-${crypto.randomUUID().slice(0, 8)}`;
  const id = await davit.note(name, 'davit-test/app', { 'davit-test.note': '{"stopped":["app"]}' });
  expect(await davit.inspect(id)).toMatchObject({
    name,
    state: 'created',
    startedAt: '',
    labels: { 'davit-test.note': '{"stopped":["app"]}' },
  });
  await expect(davit.note(name, 'davit-test/app', {})).rejects.toThrow(/already in use/);
  await davit.remove(id);
  await davit.remove(id);
  await expect(davit.inspect(id)).rejects.toThrow(/there is no such container/);
  await expect(davit.note(`${name}-2`, 'davit-test/no-such-image', {})).rejects.toThrow(/no such image/i);
});

test('removing a running container', async () => {
  await using box = await startContainer();
  await Promise.all([davit.remove(box.id), davit.remove(box.id)]);
  await until('it is gone', async () => (await docker('ps', '-aq', '--filter', `id=${box.id}`)) === '');
});

test.each([
  ['plain', []],
  ['with a hostname of its own', ['--hostname', 'backup']],
  ['with the network of the host', ['--network', 'host']],
])('a process finds its own container: %s', async (_what, options) => {
  await using box = await startContainer({ options: [...sidecar, ...options] });
  expect(await docker('exec', box.id, 'node', '--input-type=module-typescript', '-e', askSelf)).toBe(box.id);
});

test('a process never takes the container whose network it shares for its own', async () => {
  await using other = await startContainer();
  await using box = await startContainer({ options: [...sidecar, '--network', `container:${other.id}`] });
  expect([box.id, 'nobody']).toContain(await docker('exec', box.id, 'node', '--input-type=module-typescript', '-e', askSelf));
});

test('on the host there is no own container', async () => {
  expect(await davit.self()).toBeUndefined();
});
