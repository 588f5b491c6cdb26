import { expect, test } from 'vitest';
import { composeLabels } from '../../../src/docker/compose.ts';
import { endRestore } from '../../../src/steps/ending.ts';
import { composeContainer, service, stack } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

/** The clock of these contexts. */
const now = Date.parse('2026-11-21T03:00:00Z');

async function hooksRun(minutes: number, exitCode = 0): Promise<{ ran: string[]; kept: boolean; error: string }> {
  const ran: string[] = [];
  const labels = { 'davit.hook.after-restore.1': 'first', 'davit.hook.after-restore.2': 'second' };
  const context = fakeContext({
    containers: [composeContainer('app', { state: 'running', health: 'none', labels })],
    answer: (_, { argv }) => ({ exitCode: (ran.push(argv.at(-1) ?? ''), exitCode) }),
  });
  let kept = true;
  const docker = { ...context.docker, remove: async () => void (kept = false) };
  const since = new Date(now - minutes * 60_000).toISOString();
  const ended = endRestore(
    { ...context, docker },
    stack(service('app', { labels })),
    { standstills: [], since, starting: ['app'], hooks: ['app'] },
    'journal',
  );
  const error = await ended.then(
    () => '',
    (thrown: Error) => thrown.message,
  );
  return { ran, kept, error };
}

test('a restore that was killed is ended by its hooks, once', async () => {
  expect(await hooksRun(59)).toEqual({ ran: ['first', 'second'], kept: false, error: '' });
});

test('a hook that fails is not tried again, and those behind it are left to a person', async () => {
  expect(await hooksRun(0, 1)).toEqual({
    ran: ['first'],
    kept: false,
    error: expect.stringContaining('the after-restore hooks behind it'),
  });
});

test('later than an hour, when the app has been used, they do not run any more', async () => {
  expect(await hooksRun(61)).toEqual({ ran: [], kept: false, error: '' });
});

test('a service that does not become healthy is waited for once, also when others depend on it', async () => {
  const containers = [
    composeContainer('app', { health: 'unhealthy' }),
    composeContainer('web', { labels: { [composeLabels.dependsOn]: 'app:service_healthy:false' } }),
  ];
  const context = fakeContext({ containers });
  let [minutes, warnings] = [0, 0];
  const ending = {
    ...context,
    now: () => new Date(now + (minutes += 1) * 60_000),
    log: { ...context.log, warn: () => void (warnings += 1) },
    docker: { ...context.docker, remove: async () => undefined },
  };
  const since = new Date(now).toISOString();
  await endRestore(ending, stack(), { standstills: [], since, starting: ['app', 'web'], hooks: [] }, 'journal');
  expect(warnings).toBe(1);
});

test('of several containers, only those start again that the restore has stopped', async () => {
  const replica = (number: number) => composeContainer('app', { number, state: 'exited' });
  const context = fakeContext({ containers: [replica(1), replica(2)] });
  const started = new Set<string>();
  const docker = { ...context.docker, start: async (id: string) => void started.add(id), remove: async () => undefined };
  const standstills = [{ service: 'app', mode: 'stop', during: 'set', timeoutMs: 1000, containers: ['shop-app-2'] }] as const;
  const since = new Date(now).toISOString();
  await endRestore({ ...context, docker }, stack(), { standstills, since, starting: ['app'], hooks: [] }, 'journal');
  expect([...started]).toEqual(['id-of-shop-app-2']);
});
