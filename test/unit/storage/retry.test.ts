import { expect, test } from 'vitest';
import { retry } from '../../../src/storage/retry.ts';

const transient = { patienceMs: 2000, isTransient: () => true };

test('repeats until it works', async () => {
  let attempts = 0;
  expect(await retry(async () => (++attempts < 3 ? Promise.reject(new Error('busy')) : attempts), transient)).toBe(3);
});

test('gives up with the last error when its patience is over', async () => {
  let attempts = 0;
  const startedAt = performance.now();
  await expect(retry(async () => Promise.reject(new Error(`busy ${++attempts}`)), { ...transient, patienceMs: 400 })).rejects.toThrow(
    /busy/,
  );
  expect(attempts).toBeGreaterThan(1);
  expect(performance.now() - startedAt).toBeLessThan(1500);
});

test('what will not pass is not repeated', async () => {
  let attempts = 0;
  const refuse = async () => (attempts++, Promise.reject(new Error('denied')));
  await expect(retry(refuse, { ...transient, isTransient: () => false })).rejects.toThrow('denied');
  expect(attempts).toBe(1);
});

test('an abort ends the pause', async () => {
  const controller = new AbortController();
  const failOnce = async () => {
    setImmediate(() => controller.abort(new Error('enough')));
    throw new Error('busy');
  };
  await expect(retry(failOnce, { ...transient, patienceMs: 60_000, signal: controller.signal })).rejects.toThrow('enough');
});
