import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { messageOf } from '../../src/model/errors.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { noise } from '../support/bytes.ts';
import { password } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { dump, newAddress } from '../support/snapshots.ts';

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

test('a storage that stands still stops the reading, so that memory is bounded', async () => {
  const seen = { consumed: 0, stuck: 0 };
  const put: Storage['put'] = (key, data, signal) => {
    if (!key.startsWith('data/')) return lab.storage.put(key, data, signal);
    seen.stuck += 1;
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('given up'))));
  };
  const writer = await createResticRepository({ storage: { ...lab.storage, put }, password }).begin(newAddress('shop'));
  function* endless() {
    for (let seed = 1; ; seed++, seen.consumed += 1_000_000) yield noise(1_000_000, seed);
  }
  const putting = writer.put(dump, Readable.from(endless(), { objectMode: false })).catch((error: Error) => error);
  for (let before = -1; seen.stuck === 0 || before !== seen.consumed; await delay(1000)) before = seen.consumed;
  expect(seen.consumed).toBeLessThan(100_000_000);
  await writer.abort();
  expect(await putting).toBeInstanceOf(Error);
});

test('whoever is told to stop while the storage stands still stops at once, and leaves no lock', async () => {
  const seen = { consumed: 0, stuck: 0 };
  const put: Storage['put'] = (key, data, signal) => {
    if (!key.startsWith('data/')) return lab.storage.put(key, data, signal);
    seen.stuck += 1;
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('given up'))));
  };
  const stop = new AbortController();
  function* endless() {
    for (let seed = 1; ; seed++, seen.consumed += 1_000_000) yield noise(1_000_000, seed);
  }
  async function work(): Promise<void> {
    await using writer = await createResticRepository({ storage: { ...lab.storage, put }, password }).begin(newAddress('shop'));
    await writer.put(dump, Readable.from(endless(), { objectMode: false }), stop.signal);
  }
  const working = work().catch((error: unknown) => error);
  for (let before = -1; seen.stuck === 0 || before !== seen.consumed; await delay(1000)) before = seen.consumed;
  stop.abort(new Error('told to stop'));
  expect(messageOf(await working)).toBe('told to stop');
  expect(await Array.fromAsync(lab.storage.list('locks'))).toEqual([]);
});

test('a writer whose storage has failed says so first, and leaves neither a lock nor what no index names', async () => {
  let uploads = 0;
  const put: Storage['put'] = (key, data, signal) => {
    if (!key.startsWith('data/') || ++uploads < 3) return lab.storage.put(key, data, signal);
    data.destroy();
    return Promise.reject(new Error('the disk is full'));
  };
  const failing = createResticRepository({ storage: { ...lab.storage, put }, password });
  async function work(): Promise<void> {
    await using writer = await failing.begin(newAddress('shop'));
    await writer.put(dump, Readable.from([noise(100_000_000)], { objectMode: false }));
  }
  const reason = await work().catch((error: unknown) => error);
  expect(messageOf(reason)).toBe('the disk is full');
  const left = await Array.fromAsync(lab.storage.list(''));
  expect(left.map(({ key }) => key).filter((key) => /^(locks|data)\//.test(key))).toEqual([]);
});

test('who is told to stop does not wait for a storage that does not answer, and leaves nothing', async () => {
  const stuckAt = Promise.withResolvers<void>();
  const put: Storage['put'] = (key, data, signal) => {
    if (!key.startsWith('data/')) return lab.storage.put(key, data, signal);
    stuckAt.resolve();
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
  };
  const stopping = new AbortController();
  const repository = createResticRepository({ storage: { ...lab.storage, put }, password });
  async function work(): Promise<void> {
    await using writer = await repository.begin(newAddress('shop'));
    function* endless() {
      for (let seed = 1; ; seed++) yield noise(1_000_000, seed);
    }
    await writer.put(dump, Readable.from(endless(), { objectMode: false }), stopping.signal);
  }
  const reason = work().catch((error: unknown) => error);
  await stuckAt.promise;
  stopping.abort(new Error('enough'));
  expect(messageOf(await reason)).toBe('enough');
  const left = await Array.fromAsync(lab.storage.list(''));
  expect(left.map(({ key }) => key).filter((key) => /^(locks|data)\//.test(key))).toEqual([]);
});
