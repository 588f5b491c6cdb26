import { expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import { startAndWait } from '../../../src/steps/lifecycle.ts';
import { composeContainer, service, stack } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

/** An app that needs a migration to be done: it has run once it was looked at twice, and ends so. What happens, in its order. */
async function startAfterMigration(exitCode: number): Promise<string[]> {
  const happened: string[] = [];
  const states = new Map<string, Partial<Container>>();
  const created = { state: 'created' as const };
  const shop = stack(service('migration', created), {
    ...service('app', created),
    dependsOn: [{ service: 'migration', condition: 'service_completed_successfully' }],
  });
  const context = fakeContext({ containers: shop.services.flatMap(({ containers }) => containers) });
  let looks = 0;
  const docker = {
    ...context.docker,
    async inspect(id: string) {
      if (id === composeContainer('migration').id && states.has(id) && (looks += 1) === 3) {
        states.set(id, { state: 'exited', exitCode });
        happened.push('migration ended');
      }
      return { ...(await context.docker.inspect(id)), ...states.get(id) };
    },
    async start(id: string) {
      states.set(id, { state: 'running' });
      happened.push(`${id} started`);
    },
  };
  const log = { ...context.log, warn: (fields: object, message: string) => void happened.push(`${JSON.stringify(fields)} ${message}`) };
  await startAndWait(
    { ...context, docker, log },
    shop,
    shop.services.filter(({ own }) => !own),
  );
  return happened;
}

const [migration, app] = ['migration', 'app'].map((name) => `${composeContainer(name).id} started`);

test('what must be done before others start is waited for until it ends', async () => {
  expect(await startAfterMigration(0)).toEqual([migration, 'migration ended', app]);
});

test('what ends with an error is told and not waited for', async () => {
  const said = '{"service":"migration","health":"exited, exit code 1"} ended with an error after its start';
  expect(await startAfterMigration(1)).toEqual([migration, 'migration ended', said, app]);
});
