import { expect, test } from 'vitest';
import { composeLabels } from '../../../src/docker/compose.ts';
import { composeContainer, volume } from '../../support/builders.ts';
import { planned } from '../../support/planned.ts';

const mounts = [volume('data', '/data')];
const run = (overrides: Parameters<typeof composeContainer>[1] = {}) =>
  composeContainer('app', { name: 'shop-app-run-1', mounts, ...overrides, labels: { [composeLabels.oneoff]: 'True' } });
const warnings = async (container: ReturnType<typeof run>, labels: Record<string, string> = { 'davit.quiesce': 'stop' }) =>
  (await planned([composeContainer('app', { labels, mounts }), container])).warnings;

test('what docker compose run has started is not stopped, so its writing is said', async () => {
  expect(await warnings(run())).toEqual([
    'service "app": /data is also written by "shop-app-run-1" of `docker compose run`, which does not stand still',
  ]);
});

test('where nothing stands still, or it does not write, there is nothing to say', async () => {
  expect(await warnings(run(), { 'davit.enable': 'true' })).toEqual([]);
  expect(await warnings(run({ state: 'exited' }))).toEqual([]);
  expect(await warnings(run({ mounts: [volume('data', '/data', false), volume('other', '/x')] }))).toEqual([]);
});
