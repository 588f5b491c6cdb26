import type { Storage } from '../../storage/storage.ts';
import { type BlobIndex, createBlobIndex } from './blob-index.ts';
import { type BlobReader, createBlobReader } from './blob-reader.ts';
import { type Chunker, createChunker } from './chunker.ts';
import { loadIndex } from './index-files.ts';
import { type Opened, openExisting, openOrCreate } from './open.ts';
import { rollingTables } from './polynomial.ts';

/** An open repository and what this process knows of it. */
export interface Session extends Opened {
  readonly index: BlobIndex;
  readonly blobs: BlobReader;
  /** Learns what others have indexed meanwhile. */
  refresh(): Promise<void>;
  /** Lends a chunker: each holds 9 MiB. */
  withChunker<T>(work: (chunker: Chunker) => Promise<T>): Promise<T>;
}

export interface Sessions {
  /** Undefined: there is no repository yet. */
  existing(): Promise<Session | undefined>;
  /** Makes the repository where there is none. */
  create(): Promise<Session>;
  /** Forgets what is known of the index, after blobs have moved. */
  forget(): void;
}

/** The keys are derived once: that is slow by intention. */
export function createSessions(storage: Storage, password: string): Sessions {
  let opened: Opened | undefined;
  let session: Session | undefined;
  const sessionOf = (found: Opened): Session => (session ??= createSession((opened ??= found)));
  let creating: Promise<Opened> | undefined;
  return {
    async existing() {
      const found = opened ?? (await openExisting(storage, password));
      return found === undefined ? undefined : sessionOf(found);
    },
    async create() {
      creating ??= opened === undefined ? openOrCreate(storage, password) : Promise.resolve(opened);
      return sessionOf(await creating.finally(() => (creating = undefined)));
    },
    forget: () => void (session = undefined),
  };
}

function createSession(opened: Opened): Session {
  const index = createBlobIndex();
  const read = new Set<string>();
  const idle: Chunker[] = [];
  let refreshing = Promise.resolve();
  const tables = rollingTables(opened.polynomial);
  return {
    ...opened,
    index,
    blobs: createBlobReader(opened, index),
    refresh() {
      const next = refreshing.catch(() => undefined).then(() => loadIndex(opened, index, read));
      refreshing = next;
      return next;
    },
    async withChunker(work) {
      const chunker = idle.pop() ?? createChunker(tables);
      try {
        return await work(chunker);
      } finally {
        chunker.end();
        idle.push(chunker);
      }
    },
  };
}
