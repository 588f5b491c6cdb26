import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { type Artifact, artifactId, type Manifest } from '../../../src/model/snapshot.ts';
import { findArtifact } from '../../../src/repository/restic/artifacts.ts';
import { readIndexFile } from '../../../src/repository/restic/index-files.ts';
import { createResticRepository } from '../../../src/repository/restic/index.ts';
import { idOf } from '../../../src/repository/restic/objects.ts';
import { openExisting } from '../../../src/repository/restic/open.ts';
import { packKey } from '../../../src/repository/restic/pack.ts';
import { createSessions } from '../../../src/repository/restic/session.ts';
import { createSnapshots, isOf } from '../../../src/repository/restic/snapshots.ts';
import { blobsOf } from '../../../src/repository/restic/walk.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import type { Seen } from '../../support/faulty-s3.ts';
import { password } from '../../support/restic.ts';
import { format } from '../../support/stack.ts';

/** Where things lie in each format, for the tests that look past Davit or break single requests. */
export interface Layout {
  manifests(storage: Storage): Promise<Manifest[]>;
  /** What lies there though no snapshot names it, and what is named and does not lie there. */
  discrepancies(storage: Storage, manifests: readonly Manifest[]): Promise<string[]>;
  /** What makes a snapshot exist. */
  readonly commit: string;
  isCommit(request: Seen): boolean;
  /** A dump, or the pack that holds it. */
  isDump(request: Seen): boolean;
  /** What a run ends with, and names, when that cannot be stored: packs are shared by dumps, and sent at the end. */
  readonly withoutDump: { readonly exitCode: 1 | 3; readonly says: string };
  /** Stores something of a service, or of any. */
  isUpload(request: Seen, service: string): boolean;
  /** Where the content of an artifact lies; the newest of it, where that is shared. */
  keysOf(storage: Storage, manifest: Manifest, artifact: Artifact): Promise<string[]>;
  commitOf(storage: Storage, manifest: Manifest): Promise<string>;
  /** Tells whether a request reads the content of files. */
  readsFiles(storage: Storage): Promise<(request: Seen) => boolean>;
}

const isPut = ({ method, url }: Seen): boolean => method === 'PUT' && !url.searchParams.has('partNumber');

/** Sends content of large files: one part of them, or a pack. */
export const isLarge = ({ method, bytes }: Seen): boolean => method === 'PUT' && bytes > 1_000_000;

/** Every object and everything half-made. */
export async function objects(storage: Storage): Promise<string[]> {
  const keys = (await Array.fromAsync(storage.list(''))).map(({ key }) => key);
  await storage.sweep('', (key) => {
    keys.push(`${key} (half-made)`);
    return false;
  });
  return keys.toSorted();
}

function differences(seen: Iterable<string>, wanted: Iterable<string>): string[] {
  return [...new Set(seen).symmetricDifference(new Set(wanted))].toSorted();
}

const portable: Layout = {
  async manifests(storage) {
    const keys = (await objects(storage)).filter((key) => key.endsWith('/manifest.json'));
    return Promise.all(keys.map(async (key) => JSON.parse(await text(await storage.get(key))) as Manifest));
  },
  discrepancies: async (storage, manifests) => differences(await objects(storage), manifests.flatMap(named)),
  commit: 'manifest.json',
  isCommit: (request) => isPut(request) && request.url.pathname.endsWith('/manifest.json'),
  isDump: (request) => isPut(request) && request.url.pathname.includes('/maria/shop'),
  withoutDump: { exitCode: 3, says: 'maria/shop' },
  isUpload: ({ method, url }, service) => method === 'PUT' && url.pathname.includes(`/${service}/`),
  keysOf: async (_, { stack, set, id }, { file }) => [`${stack}/${set}/${id}/${file}`],
  commitOf: async (_, { stack, set, id }) => `${stack}/${set}/${id}/manifest.json`,
  readsFiles:
    async () =>
    ({ method, url }) =>
      method === 'GET' && url.pathname.includes('/app/files'),
};

/** Where an artifact lies, and which ones lie there with it. */
export async function shared(storage: Storage, manifest: Manifest, id: string): Promise<{ key: string; harmed: string[] }> {
  const places = manifest.artifacts.map(async (artifact) => ({
    id: artifactId(artifact),
    keys: await layout.keysOf(storage, manifest, artifact),
  }));
  const all = await Promise.all(places);
  const key = all.find((one) => one.id === id)?.keys[0] ?? '';
  return { key, harmed: all.filter(({ keys }) => keys.includes(key)).map((one) => one.id) };
}

/** Takes away what an artifact needs, until it is given back. */
export async function lose(storage: Storage, manifest: Manifest, artifact: Artifact): Promise<() => Promise<void>> {
  const keys = await layout.keysOf(storage, manifest, artifact);
  const lost = await Promise.all(keys.map(async (key) => ({ key, bytes: await buffer(await storage.get(key)) })));
  await storage.remove(lost.map(({ key }) => key));
  return async () => {
    for (const { key, bytes } of lost) await storage.put(key, Readable.from([bytes], { objectMode: false }));
  };
}

function named({ stack, set, id, artifacts }: Manifest): string[] {
  return ['manifest.json', ...artifacts.map(({ file }) => file)].map((file) => `${stack}/${set}/${id}/${file}`);
}

const restic: Layout = {
  async manifests(storage) {
    const repository = createResticRepository({ storage, password });
    const lists = (await repository.stacks()).map(async (stack) => (await repository.list(stack)).manifests);
    return (await Promise.all(lists)).flat();
  },
  async discrepancies(storage, manifests) {
    const session = await createSessions(storage, password).existing();
    if (session === undefined) return ['there is no repository'];
    const keys = await objects(storage);
    const below = (folder: string): string[] => keys.filter((key) => key.startsWith(`${folder}/`));
    const snapshots = (await createSnapshots().all(session)).map(({ manifest }) => (typeof manifest === 'object' ? manifest.id : manifest));
    const wanted = manifests.map(({ id }) => id);
    const packs = (await Promise.all(below('index').map((key) => readIndexFile(session, key)))).flat();
    return [
      ...below('locks'),
      ...keys.filter((key) => key.endsWith('(half-made)')),
      ...differences(snapshots.map(String), wanted),
      ...differences(
        below('data').map(idOf),
        packs.map(({ id }) => id),
      ),
    ];
  },
  commit: 'snapshots/',
  isCommit: (request) => isPut(request) && request.url.pathname.includes('/snapshots/'),
  isDump: (request) => isPut(request) && request.url.pathname.includes('/data/'),
  withoutDump: { exitCode: 1, says: 'data/' },
  isUpload: ({ method, url }) => method === 'PUT' && url.pathname.includes('/data/'),
  async keysOf(storage, manifest, artifact) {
    const session = await createSessions(storage, password).renew();
    const snapshot = (await createSnapshots().all(session)).find((one) => isOf(one, manifest));
    const node = await findArtifact(session, snapshot?.tree ?? '', artifact);
    const packs = new Set<string>();
    for await (const { id, type } of blobsOf(session, node, () => true))
      if (type === 'data') packs.add(packKey(session.index.find(id)?.pack ?? ''));
    const found = (await Array.fromAsync(storage.list('data'))).filter(({ key }) => packs.has(key));
    return found.toSorted((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime()).map(({ key }) => key);
  },
  async commitOf(storage, manifest) {
    const session = await createSessions(storage, password).renew();
    const snapshot = (await createSnapshots().all(session)).find((one) => isOf(one, manifest));
    return `snapshots/${snapshot?.id}`;
  },
  async readsFiles(storage) {
    const opened = await openExisting(storage, password);
    const packs = new Set<string>();
    for await (const { key } of storage.list('index'))
      for (const { id, blobs } of opened === undefined ? [] : await readIndexFile(opened, key))
        if (blobs.some(({ type, length }) => type === 'data' && length > 100_000)) packs.add(id);
    return ({ method, url }) => method === 'GET' && packs.has(idOf(url.pathname));
  },
};

export const layout = { portable, restic }[format];
