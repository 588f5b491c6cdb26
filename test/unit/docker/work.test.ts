import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { Daemon } from '../../../src/docker/daemon.ts';
import { work } from '../../../src/docker/work.ts';
import { DavitError } from '../../../src/model/errors.ts';

const spec = { name: 'worker', image: 'davit', argv: ['davit', 'worker'], labels: {}, mounts: [], networkMode: 'none', capabilities: [] };

test('a worker that can be neither stopped nor removed is not waited for', async () => {
  const removal = new DavitError({ where: 'container "worker"', what: 'could not be killed' });
  const daemon: Partial<Daemon> = {
    create: async () => 'id',
    attach: async () => new PassThrough() as unknown as Socket,
    removed: () => new Promise(() => undefined),
    change: async () => undefined,
    find: async () => ({ State: { Status: 'running' } }) as Awaited<ReturnType<Daemon['find']>>,
    remove: () => Promise.reject(removal),
  };
  const stop = new AbortController();
  const { exited } = await work(daemon as Daemon, spec, '{}', stop.signal);
  stop.abort();
  await expect(exited).rejects.toBe(removal);
});
