import { configurationError } from '../model/errors.ts';
import { type Manifest, newestFirst } from '../model/snapshot.ts';
import type { Flaw, Listing, Repository } from './repository.ts';

/** Several storages as one repository: what is listed remembers where it lies, what begins says where it goes. The default storage has the name ''. */
export function combined(repositories: ReadonlyMap<string, Repository>): Repository {
  const named = (name = ''): Repository => {
    const repository = repositories.get(name);
    if (repository !== undefined) return repository;
    throw configurationError({
      where: `storage "${name}"`,
      what: 'is not configured',
      fix: `set DAVIT_STORAGE_${name.toUpperCase().replaceAll('-', '_')} to s3://bucket/prefix, file:///path, or either behind restic+`,
    });
  };
  const all = [...repositories];
  const listings = (stack: string, set?: string): Promise<Listing>[] =>
    all.map(async ([name, repository]) => {
      const { manifests, damaged } = await repository.list(stack, set);
      return { manifests: manifests.map((manifest) => ({ ...manifest, storage: name === '' ? undefined : name })), damaged };
    });
  return {
    location: named().location,
    isLocal: (storage) => named(storage).isLocal(),
    isIncremental: (storage) => named(storage).isIncremental(),
    list: async (stack, set) => merge(await Promise.all(listings(stack, set))),
    async listReachable(stack, set) {
      const results = await Promise.allSettled(listings(stack, set));
      const unread = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
      if (unread.length === results.length) throw unread[0];
      return { ...merge(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))), unread };
    },
    stacks: async () => [...new Set((await Promise.all(all.map(([, repository]) => repository.stacks()))).flat())].toSorted(),
    begin: async (address) => named(address.storage).begin(address),
    read: (manifest, artifact, signal) => named(manifest.storage).read(manifest, artifact, signal),
    isFile: (manifest, artifact, signal) => named(manifest.storage).isFile(manifest, artifact, signal),
    prove: (manifest, artifact, path, signal) => named(manifest.storage).prove(manifest, artifact, path, signal),
    extract: (manifest, artifact, root, path, signal) => named(manifest.storage).extract(manifest, artifact, root, path, signal),
    compare: (manifest, artifact, root, signal) => named(manifest.storage).compare(manifest, artifact, root, signal),
    async check(manifests, depth, signal) {
      const flaws: Flaw[] = [];
      for (const [name, some] of Map.groupBy(manifests, ({ storage }) => storage))
        flaws.push(...(await named(name).check(some, depth, signal)));
      return flaws;
    },
    async remove(manifests, signal) {
      for (const [name, some] of Map.groupBy(manifests, ({ storage }) => storage)) await named(name).remove(some, signal);
    },
    async sweep(stack, isDead) {
      const results = await Promise.allSettled(all.map(([, repository]) => repository.sweep(stack, isDead)));
      if (results.every((result) => result.status === 'rejected')) throw results[0]?.reason;
      // What lies in a storage that does not answer waits for the next time.
      return results.reduce((sum, result) => sum + (result.status === 'fulfilled' ? result.value : 0), 0);
    },
  };
}

/** Two names may mean one place, or one is a copy of the other: what both list is one snapshot, of the first. */
function merge(lists: readonly Listing[]): Listing {
  const manifests = lists.flatMap(({ manifests }) => manifests);
  const once = [...Map.groupBy(manifests, ({ stack, set, id }) => [stack, set, id].join('/')).values()].flatMap((same) => same.slice(0, 1));
  const sets = Map.groupBy(once, ({ stack, set }) => [stack, set].join('/'));
  return {
    manifests: [...sets.values()].flatMap(inOneOrder).toSorted(newestFirst),
    damaged: lists.flatMap(({ damaged }) => damaged),
  };
}

/**
 * The snapshots of a set. Where one storage was numbered without knowing of another, as after a move, the clock tells between them; inside of each, the numbers.
 * They are numbered anew then, up from the highest that there is.
 */
function inOneOrder(manifests: readonly Manifest[]): readonly Manifest[] {
  const storages = [...Map.groupBy(manifests, ({ storage }) => storage).values()].map((own) => own.toSorted(newestFirst));
  const order: Manifest[] = [];
  for (let next = youngest(storages)?.shift(); next !== undefined; next = youngest(storages)?.shift()) order.push(next);
  if (order.every(({ sequence }, index) => sequence < (order[index - 1]?.sequence ?? Infinity))) return manifests;
  const highest = Math.max(order.length, ...order.map(({ sequence }) => sequence));
  return order.map((manifest, index) => ({ ...manifest, sequence: highest - index }));
}

/** The one whose first snapshot is the latest. */
function youngest(storages: readonly Manifest[][]): Manifest[] | undefined {
  return storages.toSorted(([a], [b]) => (b?.startedAt ?? '').localeCompare(a?.startedAt ?? ''))[0];
}
