import { pipeline, type Readable, Transform } from 'node:stream';
import type { Storage } from './storage.ts';
import { Whole } from './whole.ts';

/** Counts the bytes that go to and come from a storage, for whoever wants to show progress. */
export function metered(storage: Storage, count: (bytes: number) => void): Storage {
  function counted(source: Readable): Readable {
    const stage = new Transform({
      transform(chunk: Buffer, _, done) {
        count(chunk.length);
        done(null, chunk);
      },
    });
    pipeline(source, stage, () => undefined);
    return stage;
  }
  return {
    ...storage,
    async put(key, data, signal) {
      if (!(data instanceof Whole)) return storage.put(key, counted(data), signal);
      const result = await storage.put(key, data, signal);
      count(data.bytes.length);
      return result;
    },
    get: async (key, signal) => counted(await storage.get(key, signal)),
  };
}
