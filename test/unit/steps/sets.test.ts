import { describe, expect, test } from 'vitest';
import { setsOf } from '../../../src/steps/sets.ts';
import { service, stack } from '../../support/builders.ts';
import { ownContainer } from '../../support/fake-context.ts';
import { planned, postgres, problems } from '../../support/planned.ts';

describe('labels of a set on Davit itself', () => {
  const own = (labels: Readonly<Record<string, string>>) => ({ ...ownContainer, labels: { ...ownContainer.labels, ...labels } });

  test('a storage that is not configured is a problem of that set', async () => {
    const containers = [own({ 'davit.set.default.storage': 'cold' }), postgres()];
    expect(problems(await planned(containers))).toEqual([expect.stringContaining('is not configured: cold — set DAVIT_STORAGE_COLD')]);
    expect(problems(await planned(containers, { environment: { DAVIT_STORAGE_COLD: 's3://cold' } }))).toEqual([]);
    const written = [own({ 'davit.set.default.storage': 'very_cold' }), postgres()];
    expect(problems(await planned(written, { environment: { DAVIT_STORAGE_VERY_COLD: 's3://cold' } }))).toEqual([]);
  });

  test('of a set that nobody belongs to are told: its name may be misspelt', async () => {
    const { warnings } = await planned([own({ 'davit.set.defualt.keep': 'last=9' }), postgres()]);
    expect(warnings).toEqual([expect.stringContaining('labels davit.set.defualt.… tune a set that no service belongs to')]);
  });
});

test('a folder for snapshots that would vanish with the container is a problem', async () => {
  const found = await planned([postgres()], { environment: { DAVIT_STORAGE: 'file:///nowhere' } });
  expect(problems(found)).toEqual([expect.stringContaining("/nowhere is in no volume of Davit's container")]);
});

test('a set whose only service has a wrong label is a set all the same, so that its failure is told', () => {
  expect(setsOf(stack({ ...service('app'), set: 'images' }, service('db', { labels: { 'davit.dump': 'postgres' } })))).toEqual([
    'default',
    'images',
  ]);
});

test('the sets of a stack', () => {
  const services = ['b', 'a', 'b'].map((set, index) => service(`s${index}`, { labels: { 'davit.set': set } }));
  expect(setsOf(stack(...services, service('none')))).toEqual(['a', 'b']);
});
