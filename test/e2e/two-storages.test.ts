import { expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

test('a storage that does not answer keeps no set of another one from being backed up and restored', async () => {
  await using stack = await createStack({
    services: {
      s3: { image: 'davit-test/s3-fast', environment: { S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 'planted-secret', S3_BUCKET: 'bucket' } },
      app: app('app'),
      images: app('images', { labels: ['davit.set=images'] }),
    },
    volumes: ['app', 'images'],
    format: 'portable',
    davit: { labels: ['davit.set.images.storage=here', 'davit.set.images.keep=last=1'] },
    environment: {
      DAVIT_STORAGE: 's3://bucket',
      DAVIT_STORAGE_HERE: 'file:///backups',
      AWS_ENDPOINT_URL_S3: 'http://s3:9000',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'planted-secret',
      AWS_MAX_ATTEMPTS: '1',
    },
  });
  await stack.up();
  await stack.sh('images', 'echo one > /data/f');
  expect((await stack.davit('backup')).exitCode).toBe(0);
  await stack.sh('images', 'echo two > /data/f');
  await stack.compose('stop', '-t', '1', 's3');

  const [failed, good] = await stack.json<{ set: string; error?: string; manifest?: Manifest }[]>(['backup'], 3);
  expect(failed).toMatchObject({ set: 'default', error: expect.stringContaining('s3://bucket') });
  expect(good).toMatchObject({ set: 'images', manifest: { status: 'complete', sequence: 2 } });
  // Nobody knows what else there is.
  expect((await stack.davit('restore', 'latest', '--set', 'images', '--yes')).exitCode).toBe(1);
  expect((await stack.davit('prune')).exitCode).toBe(1);
  await stack.sh('images', 'echo three > /data/f');
  await stack.restore(good?.manifest?.id ?? '');
  expect(await stack.sh('images', 'cat /data/f')).toBe('two');
});
