import { describe, expect, test } from 'vitest';
import { ownContainer } from '../../support/fake-context.ts';
import { planned, postgres, problems } from '../../support/planned.ts';

describe('labels of a set on Davit itself', () => {
  const own = (labels: Readonly<Record<string, string>>) => ({ ...ownContainer, labels: { ...ownContainer.labels, ...labels } });

  test('a storage that is not configured is a problem of that set', async () => {
    const containers = [own({ 'davit.set.default.storage': 'cold' }), postgres()];
    expect(problems(await planned(containers))).toEqual([expect.stringContaining('is not configured: cold — set DAVIT_STORAGE_COLD')]);
    expect(problems(await planned(containers, { environment: { DAVIT_STORAGE_COLD: 'file:///cold' } }))).toEqual([]);
  });

  test('of a set that nobody belongs to are told: its name may be misspelt', async () => {
    const { warnings } = await planned([own({ 'davit.set.defualt.keep': 'last=9' }), postgres()]);
    expect(warnings).toEqual([expect.stringContaining('labels davit.set.defualt.… tune a set that no service belongs to')]);
  });
});
