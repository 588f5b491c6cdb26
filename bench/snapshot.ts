import { mkdirSync } from 'node:fs';
import { createResticRepository } from '../src/repository/restic/index.ts';
import { createFilesystemStorage } from '../src/storage/filesystem.ts';
import type { Manifest } from '../src/model/snapshot.ts';

/** `snapshot.ts backup|restore PLACE FOLDER`: what a worker does with a volume, and nothing of Docker. The place is a folder or s3://bucket/prefix. */
const [verb, place = '', folder = ''] = process.argv.slice(2);
const isS3 = place.startsWith('s3://');
const { hostname: bucket, pathname: prefix } = isS3 ? new URL(place) : { hostname: '', pathname: '' };
const environment = process.env as Record<string, string>;
const storage = isS3
  ? (await import('../src/storage/s3.ts')).createS3Storage({ bucket, prefix, environment })
  : createFilesystemStorage(place);
const repository = createResticRepository({
  storage,
  password: environment['RESTIC_PASSWORD'] ?? '',
  prove: environment['PROVE'] !== 'off',
});
const name = { service: 'app', name: 'files/data', extension: 'tar' };

if (verb === 'backup') {
  const address = { stack: 'bench', set: 'default', id: `20261121T030000Z-${process.pid.toString(16).padStart(6, '0')}` };
  const startedAt = new Date().toISOString();
  await using writer = await repository.begin(address);
  const { warnings, ...stored } = await writer.putTree(name, { root: folder, exclude: [] });
  const artifact = { ...stored, ...name, kind: 'files', engine: 'files', path: folder, startedAt, endedAt: startedAt, warnings } as const;
  const rest = { sequence: Date.now(), status: 'complete', reason: 'backup', startedAt, endedAt: startedAt } as const;
  const manifest: Manifest = {
    version: 1,
    ...address,
    ...rest,
    skewMs: 0,
    downtimeMs: {},
    davit: 'bench',
    artifacts: [artifact],
    failures: [],
    warnings: [],
  };
  await writer.commit(manifest);
} else {
  const [newest] = (await repository.list('bench')).manifests;
  const [artifact] = newest?.artifacts ?? [];
  if (newest === undefined || artifact === undefined) throw new Error(`no snapshot in ${place}`);
  mkdirSync(folder, { recursive: true });
  await repository.extract(newest, artifact, folder);
}
