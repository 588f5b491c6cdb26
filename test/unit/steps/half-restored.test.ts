import { expect, test } from 'vitest';
import { clearHalfRestored, halfRestored, markHalfRestored, partsOf } from '../../../src/steps/half-restored.ts';
import { artifactsOfShop, filesArtifact, manifest, stack } from '../../support/builders.ts';
import { keepingNotes } from '../../support/notes.ts';

test('a restore that has not succeeded is told to whoever backs up its services, with the ways back', async () => {
  const { context } = keepingNotes();
  await markHalfRestored(context, stack(), { snapshot: 'good', safety: 'saved', parts: [['app'], ['db', 'shop']] });
  const [problem, ...more] = await halfRestored(context, stack(), ['db', 'web']);
  expect(more).toEqual([]);
  expect(problem).toMatchObject({ service: 'db', absent: true });
  expect(problem?.error.message).toMatch(
    /mixture: good — `davit restore saved` brings back .*, `davit restore good` tries again; .* `docker rm davit-half/,
  );
  expect(await halfRestored(context, stack(), ['web'])).toEqual([]);
});

test('the way back to a snapshot of another stack says so, also when a part is in order by now', async () => {
  const { context } = keepingNotes();
  await markHalfRestored(context, stack(), { snapshot: 'good', fromStack: 'old', parts: [['app'], ['db']] });
  await clearHalfRestored(context, stack(), [['app']]);
  const [problem] = await halfRestored(context, stack(), ['db']);
  expect(problem?.error.message).toContain('`davit restore good --from-stack old` tries again');
});

test('what a restore has put in order is no mixture any more, the rest is', async () => {
  const { context, kept } = keepingNotes();
  const ill = async () => (await halfRestored(context, stack(), ['app', 'db'])).map(({ service }) => service);
  await markHalfRestored(context, stack(), { snapshot: 'good', safety: 'saved', parts: [['app'], ['db', 'shop'], ['db', 'stats', '/x']] });
  await clearHalfRestored(context, stack(), [['db', 'shop', '/x'], ['app', 'files/data'], ['web']]);
  expect(await ill()).toEqual(['app']);
  await clearHalfRestored(context, stack(), [['app'], ['db', 'shop']]);
  expect(await ill()).toEqual(['db']);
  expect((await halfRestored(context, stack(), ['db']))[0]?.error.message).toContain('`davit restore saved`');
  await clearHalfRestored(context, stack(), [['db', 'stats']]);
  expect([await ill(), kept]).toEqual([[], []]);
});

test('restores that fail one after the other leave one mark, which knows what was there before the first', async () => {
  const { context, kept } = keepingNotes();
  await markHalfRestored(context, stack(), { snapshot: 'good', safety: 'before', parts: [['app', 'files/data']] });
  await markHalfRestored(context, stack(), { snapshot: 'better', safety: 'mixture', parts: [['app']] });
  expect(kept).toHaveLength(1);
  const [problem] = await halfRestored(context, stack(), ['app']);
  expect(problem?.error.message).toMatch(/mixture: better — `davit restore before` brings back/);
  await markHalfRestored(context, stack(), { snapshot: 'good', parts: [['db']] });
  expect(kept).toHaveLength(2);
});

test('a mark that cannot be read may be of any service, and is kept', async () => {
  const { context, kept } = keepingNotes();
  await context.docker.note('future', 'davit', { 'io.davit.half-restored': 'shop', 'io.davit.half-restored.by': '{}' });
  await clearHalfRestored(context, stack(), [['app']]);
  expect(await halfRestored(context, stack(), ['web', 'db'])).toMatchObject([
    { service: 'web', error: { message: expect.stringMatching(/^container "future": .* cannot be read/) } },
  ]);
  expect(kept).toHaveLength(1);
});

test('a service of which everything is restored is one part, otherwise each artifact, or what is below a path, is', () => {
  const artifacts = artifactsOfShop();
  const shop = manifest({ artifacts });
  expect(partsOf(shop, artifacts, undefined)).toEqual([['db'], ['app'], ['web']]);
  expect(partsOf(shop, artifacts.slice(1, 3), undefined)).toEqual([
    ['db', 'shop'],
    ['db', 'stats'],
  ]);
  expect(partsOf(shop, [filesArtifact('web', '/data')], '/data/x')).toEqual([['web', 'files/data', '/data/x']]);
});
