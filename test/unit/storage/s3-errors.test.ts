import { expect, test } from 'vitest';
import { DavitError } from '../../../src/model/errors.ts';
import { isTransient, s3Error } from '../../../src/storage/s3-errors.ts';

function refusal(name: string, httpStatusCode: number, headers: Record<string, string> = {}): Error {
  return Object.assign(new Error('as the server says'), { name, $metadata: { httpStatusCode }, $response: { headers } });
}

test.for([
  [refusal('SlowDown', 503), true],
  [refusal('UnknownError', 500), true],
  [refusal('UnknownError', 502), true],
  [refusal('NotImplemented', 501), false],
  [refusal('InsufficientStorage', 507), false],
  [refusal('AccessDenied', 403), false],
  [refusal('NoSuchKey', 404), false],
  [refusal('RequestTimeTooSkewed', 403), true],
  [refusal('BadDigest', 400), true],
  [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), true],
  [Object.assign(new Error('certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), false],
  [new Error('a bug'), false],
  ['not even an error', false],
] as const)('%s may pass by itself: %s', ([error, expected]) => {
  expect(isTransient(error)).toBe(expected);
});

test.for([
  [refusal('PermanentRedirect', 301, { 'x-amz-bucket-region': 'eu-west-3' }), /another region.*eu-west-3.*AWS_REGION/],
  [new Error('Region is missing'), /no region is set — set AWS_REGION/],
  [new Error('Region not accepted: region="" is not a valid hostname component.'), /no region is set — set AWS_REGION/],
  [new Error('Region not accepted: region="eu west" is not a valid hostname component.'), /no name of a region: .*eu west.* — correct/],
  [refusal('Forbidden', 403), /access denied.*HTTP 403/],
  [refusal('InvalidObjectState', 403), /moved to an archive.*InvalidObjectState.*lifecycle rule/],
  [refusal('NoSuchBucket', 404), /does not exist.*DAVIT_STORAGE/],
  [refusal('Strange', 400), /the storage refused: HTTP 400, Strange, as the server says — check AWS_ENDPOINT_URL_S3/],
  [Object.assign(new Error(''), { code: 'ECONNREFUSED' }), /nothing listens.*AWS_ENDPOINT_URL_S3/],
  [new Error('Region is missing'), /AWS_REGION/],
] as const)('%s is explained', ([error, expected]) => {
  const explained = s3Error(error, 's3://bucket at host');
  expect(explained).toBeInstanceOf(DavitError);
  expect(explained.message).toMatch(/^s3:\/\/bucket at host: /);
  expect(explained.message).toMatch(expected);
  expect(explained.cause).toBe(error);
});

test('the errors of others stay what they are', () => {
  const ours = new DavitError({ where: 'dump', what: 'broke' });
  const bug = new TypeError('undefined is not a function');
  expect(s3Error(ours, 'here')).toBe(ours);
  expect(s3Error(bug, 'here')).toBe(bug);
});
