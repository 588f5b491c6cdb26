import { expect, test } from 'vitest';
import { placeOf, readSettings, rootOf } from '../../../src/storage/s3-settings.ts';

test('nothing set leaves everything to AWS', () => {
  expect(readSettings({})).toEqual({});
});

test('a server of one’s own gets path style and some region', () => {
  expect(readSettings({ AWS_ENDPOINT_URL_S3: 'http://s3:9000' })).toEqual({
    endpoint: 'http://s3:9000',
    forcePathStyle: true,
    region: 'us-east-1',
  });
  expect(readSettings({ AWS_ENDPOINT_URL: 'http://all', AWS_ENDPOINT_URL_S3: 'http://s3', AWS_REGION: 'garage' })).toMatchObject({
    endpoint: 'http://s3',
    region: 'garage',
  });
});

test.each(['s3.example.com', 'minio:9000', 'localhost', 's3://bucket'])('the endpoint %s is no address, and is refused', (endpoint) => {
  expect(() => readSettings({ AWS_ENDPOINT_URL_S3: endpoint })).toThrow(`endpoint of S3 is no address: ${endpoint} — write https:`);
});

test('keys count only as a pair', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
  expect(readSettings(keys)).toEqual({ credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } });
  expect(readSettings({ ...keys, AWS_SESSION_TOKEN: 'token' })).toMatchObject({ credentials: { sessionToken: 'token' } });
  expect(readSettings({ AWS_ACCESS_KEY_ID: 'id' })).toEqual({});
});

test.for([
  ['', {}, '', 's3://bucket'],
  ['/a//b/', {}, 'a/b/', 's3://bucket/a/b'],
  ['a', { AWS_ENDPOINT_URL_S3: 'http://s3:9000/' }, 'a/', 's3://bucket/a at s3:9000'],
] as const)('a prefix %j is in its place', ([prefix, environment, root, place]) => {
  const options = { bucket: 'bucket', prefix, environment };
  expect(rootOf(options)).toBe(root);
  expect(placeOf(options, root)).toBe(place);
});
