import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readManifests } from '../../../src/repository/portable/manifests.ts';
import { createBlobIndex } from '../../../src/repository/restic/blob-index.ts';
import { loadIndex } from '../../../src/repository/restic/index-files.ts';
import type { Opened } from '../../../src/repository/restic/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';

/** The connection breaks: what was listed cannot be read, and a little later the listing itself ends. */
function breaking(...keys: readonly string[]): Storage {
  return {
    get: () => Promise.reject(new Error('cut while reading')),
    async *list() {
      for (const key of keys) yield { key, bytes: 1, modifiedAt: new Date() };
      await nextTurn();
      throw new Error('cut while listing');
    },
  } as Partial<Storage> as Storage;
}

/** Vitest also fails when a rejection is left that nobody handles; it would end the daemon. */
test.each<[string, () => Promise<unknown>]>([
  ['manifests', () => readManifests(breaking('shop/default/20261121T030000Z-3f9a1c/manifest.json'), 'shop')],
  [
    'indexes',
    () => loadIndex({ storage: breaking(`index/${'a'.repeat(64)}`, `index/${'b'.repeat(64)}`) } as Opened, createBlobIndex(), new Set()),
  ],
])('a connection that breaks while %s are listed and read is one error', async (_, read) => {
  await expect(read()).rejects.toThrow(/^cut while/);
  await nextTurn();
});
