import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createS3Storage } from '../../../src/storage/s3.ts';

const page = `<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>a</NextMarker>
  <Contents><Key>a</Key><Size>1</Size><LastModified>2026-11-21T03:00:00.000Z</LastModified></Contents></ListBucketResult>`;

test('a server that knows only the first version of listing is an error after its first page, and not the end of what is there', async () => {
  const server = createServer((_, response) => response.end(page)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const environment = { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`, AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
  const storage = createS3Storage({ bucket: 'bucket', prefix: '', environment });
  try {
    await expect(Array.fromAsync(storage.list(''))).rejects.toThrow(/lists a part of what it has.*ListObjectsV2/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
