import { expect, test } from 'vitest';
import { composeContainer, volume } from '../../support/builders.ts';
import { enabled, planned, postgres } from '../../support/planned.ts';

test('a service that takes part and gives nothing is told of, unless it is only told to stand still or run hooks', async () => {
  const bare = (name: string, labels: Record<string, string> = enabled, mounts = [volume('read-only', '/ro', false)]) =>
    composeContainer(name, { labels, mounts });
  const shared = [volume('shared', '/data')];
  const found = await planned([
    bare('app'),
    bare('one', enabled, shared),
    bare('two', enabled, shared),
    bare('still', { 'davit.quiesce': 'stop' }),
    bare('hooked', { 'davit.hook.before': 'sync' }),
    bare('none', { 'davit.files': 'none' }),
    postgres(),
  ]);
  expect(found.warnings).toEqual([expect.stringMatching(/^service "app": takes part, and nothing of it is captured; /)]);
});
