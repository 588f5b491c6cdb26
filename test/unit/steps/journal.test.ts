import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/docker/docker.ts';
import { closeJournal, openJournal, recover, requireAlone } from '../../../src/steps/journal.ts';
import type { Journal } from '../../../src/steps/journal-note.ts';
import { composeContainer, container, service, stack } from '../../support/builders.ts';
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

test('a journal that cannot be read is told of and kept, and hides no other one', async () => {
  const { context, kept } = keepingNotes();
  const errors: string[] = [];
  const log = { ...context.log, error: ({ error }: { error?: unknown }) => void errors.push(String(error)) };
  await context.docker.note('future', 'davit', { 'io.davit.journal': 'shop', 'io.davit.journal.undo': '{"standstills":{}}' });
  await openJournal(context, stack(), { standstills: [], hooks: ['app'] });
  await recover({ ...context, log }, stack());
  expect(kept.map(({ name }) => name)).toEqual(['future']);
  expect(errors).toEqual([
    expect.stringMatching(/^container "future": .* cannot be read: .*standstills.* — start the version of .* `docker rm future`$/),
  ]);
});

test('the after hooks wait for their service to be up', async () => {
  const labels = { 'davit.hook.after': 'resume' };
  const app = composeContainer('app', { labels, health: 'starting' });
  const { context } = keepingNotes(app);
  const happened: string[] = [];
  let looks = 0;
  const docker: typeof context.docker = {
    ...context.docker,
    inspect: async () => ((looks += 1) === 2 ? (happened.push('healthy'), { ...app, health: 'healthy' }) : app),
    run: async (_, { argv }) => ({ exitCode: 0, stdout: String(happened.push(argv.at(-1) ?? '')), stderr: '' }),
  };
  await closeJournal({ ...context, docker }, stack(service('app', { labels })), undefined, { standstills: [], hooks: ['app'] });
  expect(happened).toEqual(['healthy', 'resume']);
});

describe('of another Davit', () => {
  const journal: Journal = { standstills: [], hooks: ['app'] };
  const other = (state: Container['state']) => composeContainer('davit', { id: 'other', name: 'shop-davit-run-1', state });
  const theirs = stack(service('davit', { own: true, id: 'other' }));

  test('that runs is left to it, and nothing is stopped beside it', async () => {
    const { context, kept } = keepingNotes(other('running'));
    await openJournal(context, theirs, journal);
    await recover(context, stack());
    expect(kept).toHaveLength(1);
    await expect(requireAlone(context, stack())).rejects.toThrow(/another Davit has stopped.*container shop-davit-run-1 — wait/);
  });

  test('that began in the same moment has the lock, and only one of them', async () => {
    const { context, kept } = keepingNotes(other('running'));
    const both = await Promise.allSettled([openJournal(context, theirs, journal), openJournal(context, stack(), journal)]);
    expect(both).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { message: expect.stringMatching(/another Davit/) } },
    ]);
    expect(kept).toHaveLength(1);
  });

  test('whose container cannot be seen yet is waited for', async () => {
    const { context, kept } = keepingNotes(other('running'));
    await openJournal(context, theirs, journal);
    let looks = 0;
    const containers: typeof context.docker.containers = async (labels) => ((looks += 1) < 4 ? [] : context.docker.containers(labels));
    const late = { ...context, docker: { ...context.docker, containers } };
    await expect(openJournal(late, stack(), journal)).rejects.toThrow(/another Davit/);
    expect(kept).toHaveLength(1);
  });

  test.each([other('exited'), container()])('that does not run any more is undone: %#', async (davit) => {
    const { context, kept } = keepingNotes(davit);
    await openJournal(context, theirs, journal);
    await requireAlone(context, stack());
    await recover(context, stack());
    expect(kept).toEqual([]);
  });
});
