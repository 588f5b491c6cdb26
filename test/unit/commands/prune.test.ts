import { expect, test } from 'vitest';
import { prune } from '../../../src/commands/prune.ts';

import { composeContainer, manifest } from '../../support/builders.ts';
import { fakeContext, ownContainer } from '../../support/fake-context.ts';

const two = [1, 2].map((sequence) => manifest({ id: `images-${sequence}`, set: 'images', sequence }));

function pruned(labels: Readonly<Record<string, string>>) {
  const own = { ...ownContainer, labels: { ...ownContainer.labels, ...labels } };
  const context = fakeContext({ containers: [own, composeContainer('app', { labels: { 'davit.set': 'images' } })] });
  const list = async (_stack: string, set = 'images') => ({ manifests: set === 'images' ? two : [], damaged: [] });
  return prune({ ...context, repository: { list } as unknown as typeof context.repository }, { dryRun: true });
}

test('the rules of a set are those of its label', async () => {
  const verdicts = await pruned({ 'davit.set.images.keep': 'last=1' });
  expect(verdicts.map(({ manifest: { id }, reasons }) => `${id} ${reasons.length > 0}`)).toEqual(['images-2 true', 'images-1 false']);
});

test.each([
  { 'davit.set.images.keep': 'all' },
  { 'davit.set.images.needed-by': 'Shop' },
  { 'davit.set.images.needed-by': 'shpo' },
  { 'davit.set.images.kep': 'last=9' },
  { 'davit.set.image.keep': 'last=9' },
])('nothing goes while a label about sets is wrong: %j', async (labels) => {
  const [label = ''] = Object.keys(labels);
  await expect(pruned(labels)).rejects.toThrow(label.split('.').slice(0, 3).join('.'));
});
