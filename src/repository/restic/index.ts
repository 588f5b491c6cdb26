import { Readable } from 'node:stream';
import { DavitError } from '../../model/errors.ts';
import type { Artifact } from '../../model/snapshot.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Repository } from '../repository.ts';
import { requireNode } from './artifacts.ts';
import { readFile } from './read.ts';
import type { Session } from './session.ts';
import { createSessions } from './session.ts';
import { createSnapshots, manifestsOf } from './snapshots.ts';
import { codecName, createWriter } from './writer.ts';

export interface ResticRepositoryOptions {
  readonly storage: Storage;
  readonly password: string;
}

/** Snapshots in restic's repository format, version 2: deduplicated, compressed and encrypted; any restic can check and restore them. */
export function createResticRepository({ storage, password }: ResticRepositoryOptions): Repository {
  const sessions = createSessions(storage, password);
  const snapshots = createSnapshots();

  async function sessionFor(artifact: Artifact): Promise<Session> {
    const unknown = artifact.codecs.find((name) => name !== codecName);
    if (unknown !== undefined)
      throw new DavitError({
        where: artifact.file,
        what: 'was written with a codec that this Davit does not know',
        seen: unknown,
        fix: 'use a newer Davit',
      });
    const session = await sessions.existing();
    if (session === undefined) throw new DavitError({ where: storage.location, what: 'there is no repository' });
    await session.refresh();
    return session;
  }

  const repository: Repository = {
    location: `restic+${storage.location}`,
    local: storage.local,
    async list(stack, set) {
      const session = await sessions.existing();
      return session === undefined ? { manifests: [], damaged: [] } : manifestsOf(await snapshots.all(session), stack, set);
    },
    async stacks() {
      const session = await sessions.existing();
      const all = session === undefined ? [] : await snapshots.all(session);
      return [...new Set(all.flatMap(({ manifest }) => (typeof manifest === 'object' ? [manifest.stack] : [])))].toSorted();
    },
    begin: (address) => createWriter(sessions, snapshots, address),
    async read(_manifest, artifact, signal) {
      const session = await sessionFor(artifact);
      const node = await requireNode(session, artifact, signal);
      return Readable.from(readFile(session, artifact, node, signal), { objectMode: false });
    },
    async extract() {
      throw new Error('not yet');
    },
    async check() {
      return [];
    },
    async remove() {},
    async sweep() {
      return 0;
    },
  };
  return repository;
}
