import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { messageOf } from '../../src/model/errors.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { noise } from '../support/bytes.ts';
import { password } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { dump, newAddress, storeSnapshot } from '../support/snapshots.ts';

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** Takes everything but packs: those stand still until they are given up. `isFull` resolves when nothing more is read. */
function standingStill() {
  const stuck = Promise.withResolvers<void>();
  let consumed = 0;
  const put: Storage['put'] = (key, data, signal) => {
    if (!key.startsWith('data/')) return lab.storage.put(key, data, signal);
    stuck.resolve();
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('given up'))));
  };
  function* endless() {
    for (let seed = 1; ; seed++, consumed += 1_000_000) yield noise(1_000_000, seed);
  }
  return {
    repository: createResticRepository({ storage: { ...lab.storage, put }, password }),
    source: Readable.from(endless(), { objectMode: false }),
    consumed: () => consumed,
    isStuck: stuck.promise,
    async isFull() {
      await stuck.promise;
      for (let before = -1; before !== consumed; await delay(1000)) before = consumed;
    },
  };
}

test('a storage that stands still stops the reading, so that memory is bounded', async () => {
  const { repository, source, consumed, isFull } = standingStill();
  const writer = await repository.begin(newAddress('shop'));
  const putting = writer.put(dump, source).catch((error: Error) => error);
  await isFull();
  expect(consumed()).toBeLessThan(100_000_000);
  await writer.abort();
  expect(await putting).toBeInstanceOf(Error);
});

test.for(['isStuck', 'isFull'] as const)(
  'who is told to stop when the storage %s does not wait for it, and leaves nothing',
  async (moment) => {
    const { repository, source, isStuck, isFull } = standingStill();
    const stopping = new AbortController();
    async function work(): Promise<void> {
      await using writer = await repository.begin(newAddress('shop'));
      await writer.put(dump, source, stopping.signal);
    }
    const reason = work().catch((error: unknown) => error);
    await (moment === 'isFull' ? isFull() : isStuck);
    stopping.abort(new Error('told to stop'));
    expect(messageOf(await reason)).toBe('told to stop');
    expect(await leftovers()).toEqual([]);
  },
);

/** Locks, and packs that no index names. */
async function leftovers(): Promise<string[]> {
  const left = await Array.fromAsync(lab.storage.list(''));
  return left.map(({ key }) => key).filter((key) => /^(locks|data)\//.test(key));
}

test('who is told to stop while it waits for others, or removes, does not go on, and leaves no lock', async () => {
  const gone = await storeSnapshot(lab.repository, newAddress('shop'), noise(20_000_000));
  const kept = await storeSnapshot(lab.repository, newAddress('shop'), noise(9_000_000));
  const stopped = async (during: RegExp): Promise<void> => {
    const stopping = new AbortController();
    const told = (key: string): void => void (during.test(key) && stopping.abort(new Error('told to stop')));
    const put: Storage['put'] = (key, data, signal) => (told(key), lab.storage.put(key, data, signal));
    const list: Storage['list'] = (folder) => (told(folder), lab.storage.list(folder));
    const repository = createResticRepository({ storage: { ...lab.storage, put, list }, password });
    expect(messageOf(await repository.remove([gone], stopping.signal).catch((error: unknown) => error))).toBe('told to stop');
  };
  const writer = await lab.repository.begin(newAddress('shop'));
  await stopped(/^locks$/);
  await writer.abort();
  expect((await lab.repository.list('shop')).manifests).toEqual([kept, gone]);
  for (const moment of [/^locks\//, /^data\//]) {
    await stopped(moment);
    expect(await Array.fromAsync(lab.storage.list('locks'))).toEqual([]);
    expect(await lab.repository.check([kept], 'bytes')).toEqual([]);
  }
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
  expect(await leftovers()).toEqual([]);
});
