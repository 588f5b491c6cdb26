import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { isHeld, stopHolder, untilFree, withLock } from '../../../src/steps/lock.ts';

test('a daemon that is stopped while nothing is under way has nobody to stop', async () => {
  await expect(stopHolder(randomUUID())).resolves.toBeUndefined();
});

test('it does not stop itself, nor wait for itself', async () => {
  const stack = randomUUID();
  await withLock(stack, () => stopHolder(stack));
});

test('two runs do not overlap, and the next one may begin', async () => {
  const stack = randomUUID();
  await withLock(stack, async () => {
    const impatient = async () => undefined;
    await expect(withLock(stack, async () => undefined, impatient)).rejects.toThrow(/another backup, restore or drill is under way/);
  });
  expect(await withLock(stack, async () => 'done')).toBe('done');
});

test('what ends within a moment is waited for', async () => {
  const stack = randomUUID();
  const [begun, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = withLock(stack, async () => {
    begun.resolve();
    await refused.promise;
  });
  await begun.promise;
  const pause = async (): Promise<void> => (refused.resolve(), first);
  expect(await withLock(stack, async () => 'done', pause)).toBe('done');
});

test('whether one is under way can be asked', async () => {
  const stack = randomUUID();
  expect(await isHeld(stack)).toBe(false);
  expect(await withLock(stack, () => isHeld(stack))).toBe(true);
  expect(await isHeld(stack)).toBe(false);
});

test('its end can be awaited, but not for ever', async () => {
  const stack = randomUUID();
  const events: string[] = [];
  const [begun, enough] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holder = withLock(stack, async () => {
    begun.resolve();
    await enough.promise;
    events.push('done');
  });
  await begun.promise;
  const limit = new AbortController();
  const impatient = untilFree(stack, limit.signal);
  limit.abort();
  await impatient;
  const patient = untilFree(stack, new AbortController().signal).then(() => events.push('free'));
  enough.resolve();
  await Promise.all([holder, patient]);
  await untilFree(stack, new AbortController().signal);
  expect(events).toEqual(['done', 'free']);
});
