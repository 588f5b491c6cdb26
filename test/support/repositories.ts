import { createCodecs, codecsForWriting } from '../../src/codecs/index.ts';
import { createPortableRepository } from '../../src/repository/portable/index.ts';
import type { Repository } from '../../src/repository/repository.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createAgeKeys } from './age-keys.ts';
import { storages } from './storages.ts';

export interface OpenRepository extends AsyncDisposable {
  readonly repository: Repository;
  /** Below it; tests damage it to see whether that is noticed. */
  readonly storage: Storage;
}

export function createPortable(storage: Storage, keys: Parameters<typeof createCodecs>[0] = { recipients: [] }): Repository {
  const decoders = createCodecs(keys);
  return createPortableRepository({ storage, codecs: codecsForWriting(decoders, keys), decoders });
}

function portableOn(name: string, keys?: Parameters<typeof createCodecs>[0]) {
  return {
    name: `portable on ${name}${keys ? ', encrypted' : ''}`,
    async open(): Promise<OpenRepository> {
      const place = await storages.find((storage) => storage.name === name)?.open();
      if (!place) throw new Error(`no storage is called ${name}`);
      const { storage } = place;
      return { repository: createPortable(storage, keys), storage, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
    },
  };
}

/** Every kind of repository, each started empty. A new one is one line here, and the contract test covers it. */
export const repositories: readonly { readonly name: string; readonly open: () => Promise<OpenRepository> }[] = [
  portableOn('filesystem'),
  portableOn('filesystem', createAgeKeys()),
  portableOn('s3 (davit-test/s3-fast)'),
];
