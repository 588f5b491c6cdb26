import { Readable } from 'node:stream';
import { expect, test, vi } from 'vitest';
import type { Docker, Worker } from '../../../src/docker/docker.ts';
import { discover } from '../../../src/steps/discover.ts';
import { inWorker } from '../../../src/steps/worker.ts';
import { fakeContext } from '../../support/fake-context.ts';

const progress = { add: () => undefined } as never;
const full = { event: 'failed', complaint: { where: '/tree', what: 'the volume is full' } };

test('a worker that has told its outcome and does not end is removed, and nobody waits longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const context = fakeContext({ containers: [] });
    const ended = Promise.withResolvers<Awaited<Worker['exited']>>();
    const work: Docker['work'] = async (_spec, _job, signal) => {
      signal?.addEventListener('abort', () => ended.resolve({ exitCode: 137, stderr: '', outOfMemory: false }));
      return { lines: Readable.from([JSON.stringify(full)]), release: () => undefined, exited: ended.promise };
    };
    const told = inWorker(
      { ...context, docker: { ...context.docker, work }, workerEnvironment: async () => ({}), authorities: [], progress },
      await discover(context),
      undefined,
      { kind: 'extract', path: '/data' } as never,
    );
    await Promise.all([expect(told).rejects.toThrow('/data: the volume is full'), vi.advanceTimersByTimeAsync(31_000)]);
  } finally {
    vi.useRealTimers();
  }
});
