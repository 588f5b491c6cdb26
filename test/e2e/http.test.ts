import { expect, test } from 'vitest';
import { until } from '../support/docker.ts';
import { app } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

test('the daemon tells over HTTP how it is, also of backups and drills by schedule', async () => {
  await using stack = await createStack({
    services: { app: app('files') },
    volumes: ['files'],
    environment: { DAVIT_HTTP: ':8080', DAVIT_SCHEDULE: '*/4 * * * * *', DAVIT_DRILL: '*/4 * * * * *', DAVIT_KEEP: 'last=2' },
  });
  await stack.up();
  const get = async (path: string): Promise<{ status: number; body: string }> =>
    JSON.parse(
      await stack.sh(
        'davit',
        `node -e 'fetch("http://davit:8080${path}").then(async (a) => console.log(JSON.stringify({ status: a.status, body: await a.text() })))'`,
      ),
    ) as { status: number; body: string };
  const metrics = async (): Promise<string> => (await get('/metrics')).body;

  await stack.sh('app', 'echo word > /data/a');
  await until(
    'a drill by schedule was good',
    async () => (await metrics()).includes('davit_last_drill_success{set="default"} 1\n'),
    60_000,
  );
  const text = await metrics();
  expect(text).toContain('davit_healthy 1\n');
  expect(text).toMatch(/^davit_last_run_status\{set="default",status="complete"\} 1$/m);
  expect(text).toMatch(/^davit_snapshots\{set="default",kind="complete"\} [1-3]$/m);
  expect(Number(/^davit_last_success_timestamp_seconds\{set="default"\} (.*)$/m.exec(text)?.[1])).toBeGreaterThan(Date.now() / 1000 - 600);
  expect(Number(/^davit_next_run_timestamp_seconds (.*)$/m.exec(text)?.[1])).toBeGreaterThan(Date.now() / 1000 - 60);
  const health = await get('/health');
  expect(health.status).toBe(200);
  // A backup may begin in between: only the rest is the same.
  const { startedAt } = await stack.json<{ startedAt: string }>(['health']);
  expect(JSON.parse(health.body)).toMatchObject({ startedAt, lastRuns: { default: { status: 'complete' } }, lastDrills: { default: {} } });

  await stack.compose('rm', '-s', '-f', 'app');
  // A run that was under way says something else.
  await until('the next run found nobody', async () => (await get('/health')).body.includes('no service takes part'), 60_000);
  expect((await get('/health')).status).toBe(503);
  expect(await metrics()).toMatch(/^davit_healthy 0$/m);
});
