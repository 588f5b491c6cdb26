import type { Storage } from '../../src/storage/storage.ts';
import type { Random } from './random.ts';

/**
 * A storage as its user's sudden death leaves it: after so many changes, nothing happens any more. The change in which it dies may still have happened, and of
 * several removals any may have.
 */
export function crashing(storage: Storage, changes: number, random: Random): Storage {
  let left = changes;
  const alive = (): void => {
    if (left <= 0) throw new Error('crashed');
  };
  return {
    ...storage,
    async put(key, data, signal) {
      alive();
      const isLast = --left <= 0;
      if (isLast && random.below(2) === 0) {
        data.on('error', () => undefined).destroy();
        throw new Error('crashed before it was put');
      }
      const result = await storage.put(key, data, signal);
      if (isLast) throw new Error('crashed after it was put');
      alive();
      return result;
    },
    async get(key, signal) {
      alive();
      return storage.get(key, signal);
    },
    async *list(prefix) {
      alive();
      yield* storage.list(prefix);
    },
    async remove(keys) {
      alive();
      for (const key of keys) {
        if (--left <= 0) throw new Error('crashed while removing');
        await storage.remove([key]);
      }
    },
    async sweep(prefix, isDead) {
      alive();
      return storage.sweep(prefix, isDead);
    },
  };
}
