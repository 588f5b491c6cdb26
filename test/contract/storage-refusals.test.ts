import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DavitError } from '../../src/model/errors.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { noise, streamOf } from '../support/bytes.ts';
import { startFaultyS3, type FaultyS3 } from '../support/faulty-s3.ts';
import { startS3, type S3Server } from '../support/s3-server.ts';

const small = noise(50_000);
const always = () => true;

describe('what an S3 storage refuses', () => {
  let server: S3Server;
  let proxy: FaultyS3;
  let storage: Storage;
  beforeAll(async () => {
    server = await startS3('davit-test/s3');
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    proxy = await startFaultyS3(server.endpoint);
    storage = open();
  });
  afterEach(() => proxy[Symbol.asyncDispose]());

  function open(environment: Record<string, string> = {}, bucket = server.bucket): Storage {
    return createS3Storage({ bucket, prefix: '', environment: { ...server.environmentFor(proxy.endpoint), ...environment } });
  }

  test.for([
    ['PermanentRedirect', 301, 'AWS_REGION'],
    ['AccessDenied', 403, 'allow these credentials'],
    ['InvalidAccessKeyId', 403, 'AWS_ACCESS_KEY_ID'],
    ['QuotaExceeded', 403, 'DAVIT_KEEP'],
    ['InsufficientStorage', 507, 'free space'],
  ] as const)('says at once what to do about %s', async ([code, answer, fix]) => {
    const struck = proxy.inject({ answer, code }, always, Infinity);
    const putting = storage.put('object', streamOf(small));
    await expect(putting).rejects.toThrow(fix);
    await expect(putting).rejects.toThrow(`s3://${server.bucket}/object at ${proxy.endpoint.host}`);
    expect(struck()).toBe(1);
  });

  test('a bucket that does not exist is said at once', async () => {
    await expect(open({}, 'no-such-bucket').put('object', streamOf(small))).rejects.toThrow('the bucket does not exist');
    expect(proxy.seen).toHaveLength(1);
  });

  test('no error holds a key', async () => {
    proxy.inject({ answer: 403, code: 'SignatureDoesNotMatch' }, always, Infinity);
    const error: unknown = await storage.put('object', streamOf(small)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(DavitError);
    expect(JSON.stringify([String(error), (error as DavitError).complaint])).not.toMatch(/test-key|test-secret/);
  });

  test.for([
    ['AWS_SECRET_ACCESS_KEY', 'the secret key is wrong'],
    ['AWS_ACCESS_KEY_ID', 'the access key is not known there'],
  ] as const)('a wrong %s is said at once', async ([name, what]) => {
    await expect(open({ [name]: 'wrong' }).put('object', streamOf(small))).rejects.toThrow(what);
    expect(proxy.seen).toHaveLength(1);
  });
});
