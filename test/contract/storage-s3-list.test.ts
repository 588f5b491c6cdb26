import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createS3Storage } from '../../src/storage/s3.ts';

const list = (rest: string): string => `<?xml version="1.0"?><ListBucketResult>${rest}</ListBucketResult>`;
const object = '<Contents><Key>a</Key><Size>1</Size><LastModified>2026-11-21T03:00:00.000Z</LastModified></Contents>';

async function listOf(answer: string): Promise<string[]> {
  const server = createServer((_, response) => response.end(answer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const environment = { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`, AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
  try {
    return (await Array.fromAsync(createS3Storage({ bucket: 'bucket', prefix: '', environment }).list(''))).map(({ key }) => key);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test.for([
  ['one page', list(`<IsTruncated>false</IsTruncated>${object}`), ['a']],
  ['an empty bucket', list('<Name>bucket</Name>'), []],
] as const)('%s is listed', async ([, answer, keys]) => {
  expect(await listOf(answer)).toEqual(keys);
});

test.for([
  [
    'the first version of listing',
    list(`<IsTruncated>true</IsTruncated><NextMarker>a</NextMarker>${object}`),
    /a part of what it has.*ListObjectsV2/,
  ],
  ['the page of a website', '<html><body>Log in</body></html>', /something that is no list — check AWS_ENDPOINT_URL_S3/],
  ['nothing', '', /something that is no list/],
] as const)('%s is an error, and not the end of what is there', async ([, answer, error]) => {
  await expect(listOf(answer)).rejects.toThrow(error);
});
