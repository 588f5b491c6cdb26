import type { Storage } from './storage.ts';

/** A storage that is only opened, and its library only loaded, when it is first asked for something: a daemon that waits has no use for it. */
export function deferred({ location, local }: Pick<Storage, 'location' | 'local'>, open: () => Promise<Storage>): Storage {
  let opened: Promise<Storage> | undefined;
  const storage = () => (opened ??= open());
  return {
    location,
    local,
    async put(key, data, signal) {
      return (await storage()).put(key, data, signal);
    },
    async get(key, signal) {
      return (await storage()).get(key, signal);
    },
    async *list(prefix) {
      yield* (await storage()).list(prefix);
    },
    async remove(keys) {
      return (await storage()).remove(keys);
    },
    async sweep(prefix, isDead) {
      return (await storage()).sweep(prefix, isDead);
    },
  };
}
