import { expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import { type Journal, openJournal } from '../../../src/steps/journal.ts';
import { container, stack } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

/** An engine that keeps these notes. */
function notes() {
  const kept: Container[] = [];
  const context = fakeContext({ containers: [] });
  const docker = {
    note: async (name: string, _: string, labels: Record<string, string>) => (kept.push(container({ id: name, name, labels })), name),
    containers: async () => [...kept],
    remove: async (id: string) =>
      void kept.splice(
        kept.findIndex((one) => one.id === id),
        1,
      ),
  } as unknown as typeof context.docker;
  return { context: { ...context, docker }, kept };
}

const still = (service: string, ...containers: string[]) => ({
  service,
  mode: 'stop' as const,
  during: 'set' as const,
  timeoutMs: 1,
  containers,
});

test.each<[string, Journal, number]>([
  ['the same hooks: one remains, however often they fail', { standstills: [], hooks: ['app'] }, 1],
  ['more than that', { standstills: [still('app', 'app-1')], hooks: ['app', 'web'] }, 1],
  ['other hooks', { standstills: [], hooks: ['web'] }, 2],
])('an older journal that could not be undone and a new one with %s', async (_, newer, left) => {
  const { context, kept } = notes();
  await openJournal(context, stack(), { standstills: [], hooks: ['app'] });
  await openJournal(context, stack(), newer);
  expect(kept).toHaveLength(left);
});

test('what an older journal alone knows to be stopped, or half restored, is not forgotten', async () => {
  const { context, kept } = notes();
  await openJournal(context, stack(), { standstills: [still('app', 'app-1', 'app-2')], hooks: [] });
  await openJournal(context, stack(), { standstills: [], hooks: [], restore: { snapshot: 'good' } });
  await openJournal(context, stack(), { standstills: [still('app', 'app-1')], hooks: ['app'] });
  expect(kept).toHaveLength(3);
});
