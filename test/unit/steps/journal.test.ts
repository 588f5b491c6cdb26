import { expect, test } from 'vitest';
import { type Journal, openJournal } from '../../../src/steps/journal.ts';
import { stack } from '../../support/builders.ts';
import { keepingNotes } from '../../support/notes.ts';

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
  const { context, kept } = keepingNotes();
  await openJournal(context, stack(), { standstills: [], hooks: ['app'] });
  await openJournal(context, stack(), newer);
  expect(kept).toHaveLength(left);
});

test('what an older journal alone knows to be stopped, or half restored, is not forgotten', async () => {
  const { context, kept } = keepingNotes();
  await openJournal(context, stack(), { standstills: [still('app', 'app-1', 'app-2')], hooks: [] });
  await openJournal(context, stack(), { standstills: [], hooks: [], restore: { snapshot: 'good' } });
  await openJournal(context, stack(), { standstills: [still('app', 'app-1')], hooks: ['app'] });
  expect(kept).toHaveLength(3);
});
