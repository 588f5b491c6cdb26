import { createCodecs, codecsForWriting } from '../../src/codecs/index.ts';
import { createPortableRepository } from '../../src/repository/portable/index.ts';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import { getJson } from '../../src/repository/restic/objects.ts';
import { openExisting } from '../../src/repository/restic/open.ts';
import type { Repository, SnapshotAddress } from '../../src/repository/repository.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createAgeKeys } from './age-keys.ts';
import { password } from './restic.ts';
import { type Place, storages } from './storages.ts';

export interface OpenRepository extends AsyncDisposable {
  readonly repository: Repository;
  /** Below it; tests damage it to see whether that is noticed. */
  readonly storage: Storage;
  /** What lies there for this snapshot alone, committed or not. */
  traces(address: SnapshotAddress): Promise<string[]>;
}

export function createPortable(storage: Storage, keys: Parameters<typeof createCodecs>[0] = { recipients: [] }): Repository {
  const decoders = createCodecs(keys);
  return createPortableRepository({ storage, codecs: codecsForWriting(decoders, keys), decoders });
}

function portableOn(name: string, keys?: Parameters<typeof createCodecs>[0]) {
  return {
    name: `portable on ${name}${keys ? ', encrypted' : ''}`,
    async open(): Promise<OpenRepository> {
      const place = await openStorage(name);
      const { storage } = place;
      async function traces({ id }: SnapshotAddress): Promise<string[]> {
        const objects = await Array.fromAsync(storage.list(''));
        return objects.map(({ key }) => key).filter((key) => key.includes(id));
      }
      return { repository: createPortable(storage, keys), storage, traces, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
    },
  };
}

function resticOn(name: string) {
  return {
    name: `restic on ${name}`,
    async open(): Promise<OpenRepository> {
      const place = await openStorage(name);
      const { storage } = place;
      /** Blobs belong to all; a lock and a snapshot say for whom they are. */
      async function traces({ id }: SnapshotAddress): Promise<string[]> {
        const opened = await openExisting(storage, password);
        const objects = [...(await Array.fromAsync(storage.list('locks'))), ...(await Array.fromAsync(storage.list('snapshots')))];
        const found = objects.map(async ({ key }) =>
          opened && JSON.stringify(await getJson(storage, opened.seal, key)).includes(id) ? [key] : [],
        );
        return (await Promise.all(found)).flat();
      }
      const repository = createResticRepository({ storage, password });
      return { repository, storage, traces, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
    },
  };
}

async function openStorage(name: string): Promise<Place> {
  const place = await storages.find((storage) => storage.name === name)?.open();
  if (!place) throw new Error(`no storage is called ${name}`);
  return place;
}

/** Every kind of repository, each started empty. A new one is one line here, and the contract test covers it. */
export const repositories: readonly { readonly name: string; readonly open: () => Promise<OpenRepository> }[] = [
  portableOn('filesystem'),
  portableOn('filesystem', createAgeKeys()),
  portableOn('s3 (davit-test/s3-fast)'),
  resticOn('filesystem'),
  resticOn('s3 (davit-test/s3-fast)'),
];
