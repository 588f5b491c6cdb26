import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import { openJournal, recover } from '../../../src/steps/journal.ts';
import { quiesce, resume } from '../../../src/steps/quiesce.ts';
import { composeContainer, service, stack } from '../../support/builders.ts';
import { keepingNotes } from '../../support/notes.ts';

const still = (name: string) => ({
  service: name,
  mode: 'stop' as const,
  during: 'set' as const,
  timeoutMs: 1,
  containers: [`shop-${name}-1`],
});

/** `looks`: what a container is, one look after another; its start makes it something else. */
function starting(looks: Readonly<Record<string, readonly Partial<Container>[]>>, started: Partial<Container>[]) {
  const left = new Map(Object.entries(looks).map(([name, all]) => [composeContainer(name).id, [...all]]));
  const { context, kept } = keepingNotes();
  const happened: string[] = [];
  const docker: typeof context.docker = {
    ...context.docker,
    inspect: async (id) => {
      const [now = {}, ...next] = left.get(id) ?? [];
      if (next.length > 0) left.set(id, next);
      if (now.health !== undefined) happened.push(`${id} ${now.health}`);
      return { ...composeContainer('app'), id, ...now };
    },
    start: async (id) => void (happened.push(`${id} started`), left.set(id, [...started])),
  };
  return { context: { ...context, docker }, kept, happened };
}

test('who depends on a healthy service comes back when that is healthy', async () => {
  const [search, web] = [composeContainer('search').id, composeContainer('web').id];
  const { context, happened } = starting({ search: [{ state: 'exited' }], web: [{ state: 'exited' }] }, [
    { state: 'running', health: 'starting' },
    { state: 'running', health: 'healthy' },
  ]);
  const dependent = { ...service('web'), dependsOn: [{ service: 'search', condition: 'service_healthy' }] };
  await resume(context, stack(service('search'), dependent), [still('web'), still('search')]);
  expect(happened).toEqual([`${search} started`, `${search} starting`, `${search} healthy`, `${web} started`]);
});

test('a container that Docker is still stopping for a killed run is started when it has ended, and only then the journal is closed', async () => {
  const running = { state: 'running' as const };
  const { context, kept, happened } = starting({ app: [running, running, running, { state: 'exited' }] }, [running]);
  await openJournal(context, stack(), { standstills: [still('app')], hooks: [] });
  const shop = stack(service('app'));
  await recover(context, shop);
  expect(happened).toEqual([`${composeContainer('app').id} started`]);
  expect(kept).toEqual([]);
});

test.each([
  [
    'killed because it did not stop in time',
    5,
    137,
    [expect.stringMatching(/^service "app": shop-app-1 did not stop within 0.001 s and was killed/)],
  ],
  ['slow, and stopped by itself', 5, 0, []],
  ['stopped at once, with the code of an earlier end', 0, 137, []],
])('who is %s', async (_, tookMs, exitCode, expected) => {
  const { context } = keepingNotes();
  const docker = { ...context.docker, inspect: async () => composeContainer('app', { exitCode }), stop: () => wait(tookMs) };
  const timeoutMs = tookMs === 0 ? 10_000 : 1;
  const warnings: string[] = [];
  await quiesce({ ...context, docker }, [{ ...still('app'), timeoutMs }], (warning) => void warnings.push(warning));
  expect(warnings).toEqual(expected);
});
