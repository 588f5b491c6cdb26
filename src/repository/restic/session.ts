import { DavitError } from '../../model/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { type BlobIndex, createBlobIndex } from './blob-index.ts';
import { type BlobReader, createBlobReader } from './blob-reader.ts';
import { type Chunker, createChunker } from './chunker.ts';
import { loadIndex } from './index-files.ts';
import { hasSnapshots, type Opened, openExisting, openOrCreate } from './open.ts';
import { type RollingTables, rollingTables } from './polynomial.ts';
import { lostPacks } from './stock.ts';

/** An open repository and what this process knows of it. */
export interface Session extends Opened {
  readonly index: BlobIndex;
  readonly blobs: BlobReader;
  /** Learns what others have indexed meanwhile. False: somebody has removed something, and blobs that are known may be gone. */
  refresh(): Promise<boolean>;
  /** Looks which packs are there. What is wrong with the others, by their id: they count as lost. */
  takeStock(): Promise<ReadonlyMap<string, string>>;
  /** These index files are ours: what they say is known. */
  knows(indexIds: readonly string[]): void;
  /** Lends a chunker: each holds 9 MiB. */
  withChunker<T>(work: (chunker: Chunker) => Promise<T>): Promise<T>;
}

export interface Sessions {
  /** Undefined: there is no repository yet. */
  existing(): Promise<Session | undefined>;
  /** Makes the repository where there is none. */
  create(): Promise<Session>;
  /** The same, knowing the index as it is now. Before somebody relies on it: others may have moved and removed blobs. */
  renew(): Promise<Session>;
  /** Forgets what is known of the index, after blobs have moved. */
  forget(): void;
}

/** Each time somebody prunes in between. */
const renewals = 5;

/** The keys are derived once: that is slow by intention. */
export function createSessions(storage: Storage, password: string): Sessions {
  let opened: Opened | undefined;
  let session: Session | undefined;
  /** A daemon lives long: the repository that it has opened may have been removed or replaced. */
  async function forgetAnother(): Promise<void> {
    if (opened !== undefined && !(await opened.isSame())) opened = session = undefined;
  }
  const sessionOf = (found: Opened): Session => (session ??= createSession((opened ??= found)));
  let creating: Promise<Opened> | undefined;
  async function create(): Promise<Session> {
    await forgetAnother();
    creating ??= opened === undefined ? openOrCreate(storage, password) : Promise.resolve(opened);
    return sessionOf(await creating.finally(() => (creating = undefined)));
  }
  return {
    async existing() {
      await forgetAnother();
      const found = opened ?? (await openExisting(storage, password));
      if (found !== undefined) return sessionOf(found);
      return (await hasSnapshots(storage)) ? create() : undefined;
    },
    create,
    async renew() {
      for (let tries = 0; tries < renewals; tries++) {
        const current = opened === undefined ? await create() : sessionOf(opened);
        if (await current.refresh()) return current;
        if (session === current) session = undefined;
      }
      throw new DavitError({
        where: storage.location,
        what: 'its index changes all the time',
        fix: 'wait until nobody prunes, and run again',
      });
    },
    forget: () => void (session = undefined),
  };
}

function createSession(opened: Opened): Session {
  const index = createBlobIndex();
  const read = new Set<string>();
  const idle: Chunker[] = [];
  let refreshing = Promise.resolve(true);
  let tables: RollingTables | undefined;
  function refresh(): Promise<boolean> {
    const next = refreshing.catch(() => true).then(() => loadIndex(opened, index, read));
    refreshing = next;
    return next;
  }
  /** What was lost may have been moved, or lie in another pack as well. */
  async function search(isFound: () => boolean): Promise<void> {
    await refresh();
    if (!isFound()) await loadIndex(opened, index, new Set());
  }
  return {
    ...opened,
    index,
    blobs: createBlobReader(opened, index, search),
    refresh,
    async takeStock() {
      const lost = await lostPacks(opened, index);
      if (index.loseOnly(lost.keys())) await search(() => index.unreplaced().length === 0);
      return lost;
    },
    knows: (indexIds) => indexIds.forEach((id) => read.add(id)),
    async withChunker(work) {
      const chunker = idle.pop() ?? createChunker((tables ??= rollingTables(opened.polynomial)));
      try {
        return await work(chunker);
      } finally {
        chunker.end();
        idle.push(chunker);
      }
    },
  };
}
