import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { deferred } from '../../../src/storage/deferred.ts';
import type { Storage } from '../../../src/storage/storage.ts';

function counted() {
  const asked: unknown[] = [];
  const opened: Storage = {
    location: 'inside',
    local: false,
    put: async (key, data) => (asked.push(['put', key]), { bytes: (await buffer(data)).length, sha256: '', proven: true }),
    get: async (key) => (asked.push(['get', key]), Readable.from([key])),
    async *list(prefix) {
      asked.push(['list', prefix]);
      yield { key: `${prefix}/a`, bytes: 1, modifiedAt: new Date(0) };
    },
    remove: async (keys) => void asked.push(['remove', keys]),
    sweep: async (prefix, isDead) => (asked.push(['sweep', prefix, isDead('key', new Date(0))]), 3),
  };
  return { asked, open: async () => (asked.push('open'), opened) };
}

test('a storage says where it is without being opened', () => {
  const { asked, open } = counted();
  expect(deferred({ location: 's3://here', local: true }, open)).toMatchObject({ location: 's3://here', local: true });
  expect(asked).toEqual([]);
});

test('it is opened once, by the first who asks, and passes everything on', async () => {
  const { asked, open } = counted();
  const storage = deferred({ location: 's3://here', local: false }, open);
  const [stored, found] = await Promise.all([storage.put('k', Readable.from([Buffer.alloc(5)])), Array.fromAsync(storage.list('p'))]);
  expect([stored.bytes, found.map(({ key }) => key)]).toEqual([5, ['p/a']]);
  expect((await buffer(await storage.get('k'))).toString()).toBe('k');
  await storage.remove(['k']);
  expect(await storage.sweep('p', () => true)).toBe(3);
  expect(asked).toEqual(['open', ['put', 'k'], ['list', 'p'], ['get', 'k'], ['remove', ['k']], ['sweep', 'p', true]]);
});
