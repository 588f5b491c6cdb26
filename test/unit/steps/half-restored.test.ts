import { expect, test } from 'vitest';
import { clearHalfRestored, halfRestored, markHalfRestored } from '../../../src/steps/half-restored.ts';
import { stack } from '../../support/builders.ts';
import { keepingNotes } from '../../support/notes.ts';

test('a restore that has not succeeded is told to whoever backs up its services, with the ways back', async () => {
  const { context } = keepingNotes();
  await markHalfRestored(context, stack(), { snapshot: 'good', safety: 'saved', services: ['app', 'db'] });
  const [problem, ...more] = await halfRestored(context, stack(), ['db', 'web']);
  expect(more).toEqual([]);
  expect(problem).toMatchObject({ service: 'db', absent: true });
  expect(problem?.error.message).toMatch(
    /mixture: good — `davit restore saved` brings back .*, `davit restore good` tries again; .* `docker rm davit-half/,
  );
  expect(await halfRestored(context, stack(), ['web'])).toEqual([]);
});

test('only a restore of all of its services takes the mark away', async () => {
  const { context } = keepingNotes();
  await markHalfRestored(context, stack(), { snapshot: 'good', services: ['app', 'db'] });
  await clearHalfRestored(context, stack(), ['db']);
  expect(await halfRestored(context, stack(), ['app'])).toHaveLength(1);
  await clearHalfRestored(context, stack(), ['db', 'app', 'web']);
  expect(await halfRestored(context, stack(), ['app'])).toEqual([]);
});
