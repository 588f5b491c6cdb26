import { afterAll, describe, expect, test } from 'vitest';
import { Readable } from 'node:stream';
import { createDocker } from '../../src/docker/dockerode.ts';
import { endpoints } from '../../src/docker/endpoints.ts';
import { docker, startContainer, testLabel } from '../support/docker.ts';
import { matches, startSocketProxy } from '../support/socket-proxy.ts';

/** Of containers that a refused request left behind. */
const labels = { 'davit-test.endpoints': 'yes' };

const rules = Object.values(endpoints);

/** Everything that Davit can ask of Docker, once. */
async function useEverything(host: string, id: string): Promise<void> {
  const davit = createDocker({ host });
  await davit.containers([testLabel]);
  await davit.processes(id);
  await davit.read(id, { argv: ['echo', 'x'] }).toArray();
  await davit.run(id, { argv: ['cat'] }, { stdin: 'x' });
  await davit.write(id, { argv: ['cat'] }, Readable.from([Buffer.from('x')]));
  await davit.pause(id);
  await davit.unpause(id);
  await davit.stop(id, 1000);
  await davit.start(id);
  const name = `davit-test-worker-${crypto.randomUUID().slice(0, 8)}`;
  const spec = { name, image: 'davit-test/app', argv: ['cat'], labels, mounts: [], networkMode: 'none', capabilities: [] };
  const worker = await davit.work(spec, 'job');
  worker.release();
  for await (const line of worker.lines) expect(line).toBe('job');
  await worker.exited;
  await davit.remove(await davit.note(`${name}-note`, 'davit-test/app', labels));
}

afterAll(async () => {
  for (const { id } of await createDocker().containers(['davit-test.endpoints'])) await docker('rm', '-f', id);
});

describe('behind a socket proxy', () => {
  test.each(['unix', 'tcp'] as const)('exactly the listed endpoints are enough, over %s', async (listen) => {
    await using box = await startContainer();
    await using proxy = await startSocketProxy({ listen, allow: rules });
    await useEverything(proxy.host, box.id);
    expect(proxy.refused).toEqual([]);
    const unused = rules.filter(
      ({ method, path }) => !proxy.requests.some((request) => matches({ method, path }, ...(request.split(' ') as [string, string]))),
    );
    expect(unused).toEqual([]);
  });

  test('a refused endpoint is named, with the reason why Davit needs it', async () => {
    await using box = await startContainer();
    const { image, ...needed } = endpoints;
    for (const [name, { method, path, reason }] of Object.entries(needed)) {
      await using proxy = await startSocketProxy({ allow: rules.filter((rule) => rule.path !== path || rule.method !== method) });
      const message = await useEverything(proxy.host, box.id).then(
        () => 'no error',
        (error: unknown) => String(error),
      );
      expect(message, name).toContain(`${method} ${path} is refused — allow it in the socket proxy; Davit needs it to ${reason}`);
      expect(proxy.refused.length).toBeGreaterThan(0);
      await createDocker()
        .unpause(box.id)
        .catch(() => {});
      await createDocker().start(box.id);
    }
    await using proxy = await startSocketProxy({ allow: rules.filter(({ path }) => path !== image.path) });
    await useEverything(proxy.host, box.id);
  });

  test('no Docker at all is said in one sentence', async () => {
    await expect(createDocker({ host: 'unix:///no/such.sock' }).containers([])).rejects.toThrow(
      /^docker at unix:\/\/\/no\/such.sock: there is no socket — mount/,
    );
    await expect(createDocker({ host: 'tcp://127.0.0.1:1' }).inspect('x')).rejects.toThrow(
      /^docker at tcp.*: nobody answers — start Docker/,
    );
    const failed = await createDocker({ host: 'unix:///no/such.sock' })
      .read('x', { argv: ['true'] })
      .toArray()
      .catch(String);
    expect(failed).toMatch(/there is no socket/);
  });
});
