import { expect, test } from 'vitest';
import { inventory, planned, postgres, sources } from '../../support/planned.ts';

test('a database that is called like the accounts is not taken for them', async () => {
  const named = inventory.replace('"shop"', '"@roles"');
  const found = await planned([postgres()], { answer: () => ({ stdout: named }) });
  expect(sources(found)).toEqual(['database db/@@roles', 'accounts db/@roles', 'database db/stats']);
  expect(found.sources[0]).toMatchObject({ database: '@roles', command: expect.stringContaining('@roles') });
});
