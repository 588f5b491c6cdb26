import pLimit from 'p-limit';
import { z } from 'zod';
import { messageOf } from '../../model/errors.ts';
import { keySegment, type Manifest, newestFirst, parseManifest } from '../../model/snapshot.ts';
import type { SnapshotAddress } from '../repository.ts';
import { findNode } from './artifacts.ts';
import { manifestFile } from './assemble.ts';
import { getIfThere, idOf, listFiles, openJson, putJson } from './objects.ts';
import type { Opened } from './open.ts';
import type { Session } from './session.ts';
import { parseTime } from './timestamp.ts';

export const snapshotFolder = 'snapshots';
const parallelReads = 8;

const snapshotSchema = z.object({
  tree: z.string().regex(/^[0-9a-f]{64}$/),
  tags: z.array(z.string()).nullish(),
  program_version: z.string().nullish(),
  time: z.string().transform(parseTime).catch(0n),
  paths: z.array(z.string()).nullish(),
  /** The manifest once more: it is read without an index and without a pack. Restic passes over what it does not know. */
  davit: z.unknown().optional(),
});

export interface Snapshot {
  /** Restic's own id of it. */
  readonly id: string;
  readonly tree: string;
  /** When its reading began, in nanoseconds, and what restic was told to read. */
  readonly time: bigint;
  readonly paths: readonly string[];
  /** Undefined: it is somebody else's. A sentence says what is wrong with it. */
  readonly manifest: Manifest | string | undefined;
}

/** Reads snapshots, each once. */
export interface Snapshots {
  all(session: Session): Promise<Snapshot[]>;
}

export function createSnapshots(): Snapshots {
  const known = new Map<string, Snapshot>();
  return {
    async all(session) {
      const limit = pLimit(parallelReads);
      const files = await Array.fromAsync(listFiles(session.storage, snapshotFolder));
      const reading = files.map(async ({ key }) => known.get(idOf(key)) ?? limit(() => readSnapshot(session, key)));
      const snapshots = (await Promise.all(reading)).filter((snapshot) => snapshot !== undefined);
      known.clear();
      for (const snapshot of snapshots) if (typeof snapshot.manifest !== 'string') known.set(snapshot.id, snapshot);
      return snapshots;
    },
  };
}

/** Undefined: it is gone. Fails where the storage does: a snapshot that was not read is none that is damaged. */
async function readSnapshot(session: Session, key: string): Promise<Snapshot | undefined> {
  const id = idOf(key);
  const sealed = await getIfThere(session.storage, key);
  if (sealed === undefined) return undefined;
  try {
    const {
      tree,
      tags,
      program_version: program,
      davit,
      time,
      paths,
    } = snapshotSchema.parse(openJson(session.storage, session.seal, key, sealed));
    const told = { id, tree, time, paths: paths ?? [] };
    const isOurs = davit !== undefined || tags?.includes('davit') || program?.startsWith('davit ');
    if (!isOurs) return { ...told, manifest: undefined };
    return { ...told, manifest: parseManifest(davit ?? (await readManifest(session, tree))) };
  } catch (error) {
    return { id, tree: '', time: 0n, paths: [], manifest: messageOf(error) };
  }
}

/** From the tree: `restic tag` and the like leave out what they do not know. */
async function readManifest(session: Session, tree: string): Promise<unknown> {
  await session.refresh();
  const { content = [] } = (await findNode(session, tree, manifestFile)) ?? {};
  const pieces = await Promise.all(content.map((id) => session.blobs.read(id)));
  return JSON.parse(Buffer.concat(pieces).toString());
}

export function manifestsOf(snapshots: readonly Snapshot[], stack: string, set?: string): { manifests: Manifest[]; damaged: string[] } {
  const manifests = snapshots.map(({ manifest }) => manifest).filter((manifest) => typeof manifest === 'object');
  const damaged = snapshots.flatMap(({ id, manifest }) => (typeof manifest === 'string' ? [`${snapshotFolder}/${id}: ${manifest}`] : []));
  const wanted = manifests.filter((manifest) => manifest.stack === stack && (set === undefined || manifest.set === set));
  return { manifests: wanted.toSorted(newestFirst), damaged: damaged.toSorted() };
}

export function isOf({ manifest }: Snapshot, { stack, set, id }: SnapshotAddress): boolean {
  return typeof manifest === 'object' && manifest.stack === stack && manifest.set === set && manifest.id === id;
}

/** The commit. For restic's own eyes: the stack is the host, and tags tell the set. */
export async function putSnapshot(
  opened: Opened,
  manifest: Manifest,
  tree: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const snapshot = {
    time: manifest.startedAt,
    tree,
    paths,
    hostname: manifest.stack,
    username: 'davit',
    tags: ['davit', `stack=${keySegment(manifest.stack)}`, `set=${keySegment(manifest.set)}`],
    program_version: `davit ${manifest.davit}`,
    davit: manifest,
  };
  return putJson(opened.storage, opened.seal, snapshotFolder, snapshot, signal);
}
