import type { Artifact, Manifest, StoredFile } from '../../src/model/snapshot.ts';
import type { ArtifactName, Repository, SnapshotAddress } from '../../src/repository/repository.ts';
import { streamOf } from './bytes.ts';

export const dump: ArtifactName = { service: 'db', name: 'shop', extension: 'sql' };

let count = 0;

/** An address that no other test has. */
export function newAddress(stack: string, set = 'default'): SnapshotAddress {
  return { stack, set, id: `20261121T030000Z-${(++count).toString(16).padStart(6, '0')}` };
}

const at = '2026-11-21T03:00:00.000Z';

export function artifactOf({ service, name, extension }: ArtifactName, file: StoredFile): Artifact {
  return { ...file, service, name, extension, kind: 'command', engine: 'command', startedAt: at, endedAt: at };
}

export function manifestOf(address: SnapshotAddress, artifacts: readonly Artifact[], changes: Partial<Manifest> = {}): Manifest {
  const times = { startedAt: at, endedAt: at, skewMs: 0, downtimeMs: {} };
  const outcome = { status: 'complete', reason: 'backup', failures: [], warnings: [] } as const;
  return {
    version: 1,
    ...address,
    sequence: ++count,
    ...times,
    ...outcome,
    davit: 'test',
    artifacts: [...artifacts],
    ...changes,
  } as Manifest;
}

/** A committed snapshot of one dump. */
export async function storeSnapshot(
  repository: Repository,
  address: SnapshotAddress,
  bytes: Buffer,
  changes: Partial<Manifest> = {},
): Promise<Manifest> {
  await using writer = await repository.begin(address);
  const manifest = manifestOf(address, [artifactOf(dump, await writer.put(dump, streamOf(bytes)))], changes);
  await writer.commit(manifest);
  return manifest;
}

export function onlyArtifact({ artifacts }: Manifest): Artifact {
  const [artifact] = artifacts;
  if (!artifact) throw new Error('the manifest names no artifact');
  return artifact;
}
