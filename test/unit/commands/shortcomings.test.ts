import { expect, test } from 'vitest';
import { tellOfShortcomings } from '../../../src/commands/daemon.ts';
import { discover } from '../../../src/steps/discover.ts';
import type { Container } from '../../../src/docker/docker.ts';
import { composeContainer } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

async function told(containers: readonly Container[], environment: Record<string, string> = {}): Promise<string[]> {
  const said: string[] = [];
  const context = fakeContext({ containers, environment });
  const log = { ...context.log, error: (fields: object) => void said.push((fields as { error: string }).error) };
  tellOfShortcomings({ ...context, log }, await discover(context));
  return said;
}

const app = (labels: Record<string, string>) => composeContainer('app', { labels });

test('a start says what every run would say: that no service takes part, a wrong label, a storage without a volume', async () => {
  expect(await told([app({ 'davit.enable': 'true' })])).toEqual([]);
  expect(await told([app({})])).toEqual([expect.stringContaining('no service takes part')]);
  expect(await told([app({ 'davit.enable': 'yes' })])).toEqual([expect.stringContaining('expected true or false')]);
  const good = app({ 'davit.enable': 'true' });
  expect(await told([good, composeContainer('db', { labels: { 'davit.ordr': '1' } })])).toEqual([
    expect.stringContaining('unknown label davit.ordr'),
  ]);
  expect(await told([good], { DAVIT_STORAGE: 'file:///elsewhere' })).toEqual([expect.stringContaining('/elsewhere is in no volume')]);
});
