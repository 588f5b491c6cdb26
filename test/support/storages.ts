import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFilesystemStorage } from '../../src/storage/filesystem.ts';
import { createS3Storage, type S3Options } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { s3Images, startS3 } from './s3-server.ts';

export interface Place extends AsyncDisposable {
  readonly storage: Storage;
  /** What another process needs to open the same storage. */
  readonly address: { readonly directory: string } | S3Options;
}

/** Every kind of storage, each started empty. A new one is one line here, and the contract tests cover it. */
export const storages: readonly { readonly name: string; readonly open: () => Promise<Place> }[] = [
  { name: 'filesystem', open: openFilesystem },
  ...s3Images.map((image) => ({
    name: `s3 (${image})`,
    async open() {
      const server = await startS3(image);
      const address = { bucket: server.bucket, prefix: 'some/prefix', environment: server.environmentFor() };
      return { storage: createS3Storage(address), address, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    },
  })),
];

export async function openFilesystem(): Promise<Place & { readonly address: { readonly directory: string } }> {
  const directory = await mkdtemp(join(tmpdir(), 'davit-storage-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  return { storage: createFilesystemStorage(directory), address: { directory }, [Symbol.asyncDispose]: remove };
}
