import { expect, test } from 'vitest';
import { createTurns } from '../../../src/commands/turns.ts';

test('parts run one after another, and one that fails is told and keeps none from its turn', async () => {
  const [done, failed]: [string[], string[]] = [[], []];
  const turns = createTurns((error) => void failed.push(String(error)));
  const first = Promise.withResolvers<void>();
  const all = [
    turns.take(() => first.promise),
    turns.take(async () => void done.push('second')),
    turns.take(async () => void done.push('third')),
  ];
  await Promise.resolve();
  expect(done).toEqual([]);
  first.reject(new Error('no room for the state'));
  await Promise.all(all);
  expect(done).toEqual(['second', 'third']);
  expect(failed).toEqual(['Error: no room for the state']);
});
