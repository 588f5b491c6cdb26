import type { Readable } from 'node:stream';
import type { Depth } from '../model/share.ts';
import type { Artifact, Manifest, StoredFile } from '../model/snapshot.ts';

/** What a snapshot is called before it exists. */
export interface SnapshotAddress {
  readonly stack: string;
  readonly set: string;
  readonly id: string;
  /** Name of the storage, when it is not the default one. */
  readonly storage?: string | undefined;
}

/** How an artifact will be called: `extension` without a dot (`sql`, `tar`). */
export interface ArtifactName {
  readonly service: string;
  readonly name: string;
  readonly extension: string;
}

/** A directory to store, in the file system of this process. */
export interface Tree {
  readonly root: string;
  /** Paths below `root`, relative, without leading `./`, that are left out together with everything under them. */
  readonly exclude: readonly string[];
  /** `root` is no folder but one file, which is called so. */
  readonly file?: string | undefined;
  /** The same tree, stored a while ago at this address: a format that is incremental reads only what has changed since. */
  readonly since?: EarlierTree | undefined;
}

export interface EarlierTree {
  readonly stored: StoredFile;
  /** When its reading began, in ISO 8601. */
  readonly startedAt: string;
}

export interface StoredTree extends StoredFile {
  /** Files that changed, grew or vanished while they were read. */
  readonly warnings: string[];
}

/**
 * Writes one snapshot. Until `commit` has returned, the snapshot does not exist for any reader.
 * `put` and `putTree` may run several at a time, also from another process that began the same address. Such a process disposes of its writer: what it
 * has put is then safe, and waits for the commit.
 */
export interface SnapshotWriter extends AsyncDisposable {
  /** What was seen at the beginning and keeps nobody from writing, but harms older snapshots. */
  readonly warnings: readonly string[];
  put(artifact: ArtifactName, plain: Readable, signal?: AbortSignal): Promise<StoredFile>;
  putTree(artifact: ArtifactName, tree: Tree, signal?: AbortSignal): Promise<StoredTree>;
  /** Removes one stored artifact again; for a source that turned out bad after its last byte. */
  discard(file: StoredFile): Promise<void>;
  /** Written last: it makes the snapshot exist. After an abort it may or may not: `sweep` then tells. */
  commit(manifest: Manifest, signal?: AbortSignal): Promise<void>;
  /** Gives up everything that was put: no reader will ever see it. Where snapshots share their bytes, what others may need goes with a later `remove`. */
  abort(): Promise<void>;
}

export interface Flaw {
  readonly snapshot: string;
  readonly artifact: string;
  readonly problem: string;
}

export interface Listing {
  readonly manifests: Manifest[];
  readonly damaged: string[];
}

/** Snapshots in a storage. Formats differ behind this contract; the steps do not know which one they use. */
export interface Repository {
  /** For people and logs; holds no secret. */
  readonly location: string;
  /** Whether the snapshots lie on the same machine as the data they protect, in the storage of this name. */
  isLocal(storage?: string): boolean;
  /** Whether what is stored once is not read and stored again, in the storage of this name. */
  isIncremental(storage?: string): boolean;
  /** Every committed snapshot of a stack, of one set or of all, newest first. A damaged manifest is reported in `damaged`, never skipped silently. */
  list(stack: string, set?: string): Promise<Listing>;
  /** The same of those storages that can be read; `unread` says why the others cannot. Rejects when none can. */
  listReachable(stack: string, set?: string): Promise<Listing & { readonly unread: readonly unknown[] }>;
  /** Stacks that have a snapshot here. */
  stacks(): Promise<string[]>;
  /** From here on until the writer has committed, aborted or been disposed of, nobody removes what it may build upon. */
  begin(address: SnapshotAddress): Promise<SnapshotWriter>;
  /** The plain bytes of an artifact, of a file tree as a tar. The stream fails when they are not exactly those that were stored. */
  read(manifest: Manifest, artifact: Artifact, signal?: AbortSignal): Promise<Readable>;
  /** Whether a file tree is one file, instead of a folder. */
  isFile(manifest: Manifest, artifact: Artifact, signal?: AbortSignal): Promise<boolean>;
  /** Reads an artifact to its end, as `read` does, and keeps nothing. Rejects with `AbsentPath` unless a file tree holds `path`. */
  prove(manifest: Manifest, artifact: Artifact, path?: string, signal?: AbortSignal): Promise<void>;
  /** Unpacks a file tree into an existing directory, or one file into an existing file; `path`, relative to the tree, limits it to one file or folder. */
  extract(manifest: Manifest, artifact: Artifact, root: string, path?: string, signal?: AbortSignal): Promise<void>;
  /** Reads a file tree once more and compares it with what lies in a directory, entry by entry: kind, content, size, owner, mode, time, links. Rejects at a difference. */
  compare(manifest: Manifest, artifact: Artifact, root: string, signal?: AbortSignal): Promise<void>;
  /** Compares what is stored with manifests: presence and sizes of everything, and every byte of as much as `depth` says. What they share is read once. */
  check(manifests: readonly Manifest[], depth: Depth, signal?: AbortSignal): Promise<Flaw[]>;
  /**
   * Removes these snapshots: first their manifests, so that a crash leaves no snapshot that lies, then what no other snapshot needs. Whoever is told to stop
   * leaves the rest to the next removal.
   */
  remove(manifests: readonly Manifest[], signal?: AbortSignal): Promise<void>;
  /** Removes what killed runs left behind; `isDead` decides by snapshot id and start. Returns how many objects went. */
  sweep(stack: string, isDead: (id: string, startedAt: Date) => boolean): Promise<number>;
}
