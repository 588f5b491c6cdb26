import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DavitError } from '../../src/model/errors.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { digest, failing, noise, sha256, streamOf } from '../support/bytes.ts';
import { startFaultyS3, type Fault, type FaultyS3, type Seen } from '../support/faulty-s3.ts';
import { s3Images, startS3, type S3Server } from '../support/s3-server.ts';

const part = 5 * 1024 * 1024;
const idleTimeoutMs = 2000;
const small = noise(50_000, 1);
const large = noise(5 * part + 77, 2);

const isPart = ({ method, url }: Seen) => method === 'PUT' && url.searchParams.has('partNumber');
const isPut = ({ method, url }: Seen) => method === 'PUT' && !url.searchParams.has('partNumber');
const isCreate = ({ method, url }: Seen) => method === 'POST' && url.searchParams.has('uploads');
const isComplete = ({ method, url }: Seen) => method === 'POST' && url.searchParams.has('uploadId');
const isAbort = ({ method }: Seen) => method === 'DELETE';
const isGet = ({ method, url }: Seen) => method === 'GET' && !url.searchParams.has('list-type') && !url.searchParams.has('uploads');
const isList = ({ method, url }: Seen) => method === 'GET' && url.searchParams.has('list-type');
const always = () => true;

describe.each(s3Images)('an S3 storage behind a bad network: %s', (image) => {
  let server: S3Server;
  let proxy: FaultyS3;
  let storage: Storage;
  beforeAll(async () => {
    server = await startS3(image);
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    proxy = await startFaultyS3(server.endpoint);
    storage = open(5000);
  });
  afterEach(async () => {
    await createS3Storage({ bucket: server.bucket, prefix: '', environment: server.environmentFor() }).remove(['object']);
    await proxy[Symbol.asyncDispose]();
  });

  function open(patienceMs: number): Storage {
    const environment = server.environmentFor(proxy.endpoint);
    return createS3Storage({ bucket: server.bucket, prefix: '', environment, patienceMs, idleTimeoutMs });
  }

  async function expectNothing(): Promise<void> {
    proxy.heal();
    expect(await Array.fromAsync(storage.list(''))).toEqual([]);
    expect(await storage.sweep('', always)).toBe(0);
  }

  const passing: readonly (readonly [name: string, fault: Fault, matches: (request: Seen) => boolean, times: number])[] = [
    ['a put is answered with 503', { answer: 503, code: 'SlowDown' }, isPut, 2],
    ['a put is answered with 500 and no text', { answer: 500 }, isPut, 2],
    ['a put is answered with 429', { answer: 429, code: 'TooManyRequests' }, isPut, 1],
    ['a put is reset', { resetRequestAt: 20_000 }, isPut, 2],
    ['a put is stalled', { stall: true }, isPut, 1],
    ['a byte of a put is flipped', { flipRequestByte: 777 }, isPut, 1],
    ['the answer to a put is lost', { loseAnswer: true }, isPut, 1],
    ['an upload cannot begin', { answer: 503, code: 'SlowDown' }, isCreate, 2],
    ['parts are answered with 500', { answer: 500, code: 'InternalError' }, isPart, 3],
    ['parts are reset half-way', { resetRequestAt: 4_000_000 }, isPart, 2],
    ['a part is stalled', { stall: true }, isPart, 1],
    ['a byte of a part is flipped', { flipRequestByte: 5_000_000 }, isPart, 1],
    ['the answer to a part is lost', { loseAnswer: true }, isPart, 1],
    ['the completion is answered with 503', { answer: 503, code: 'SlowDown' }, isComplete, 1],
    ['the completion happens but its answer is lost', { loseAnswer: true }, isComplete, 1],
  ];

  test.for(passing)('stores the right bytes although %s', async ([, fault, matches, times]) => {
    const content = matches === isPut ? small : large;
    const struck = proxy.inject(fault, matches, times);
    const expected = { bytes: content.length, sha256: sha256(content) };
    expect(await storage.put('object', streamOf(content))).toEqual({ ...expected, proven: true });
    expect(struck()).toBe(times);
    expect(await digest(await storage.get('object'))).toEqual(expected);
  });

  test.for([
    ['a byte of every put is flipped', { flipRequestByte: 777 }, isPut],
    ['a byte of every part is flipped', { flipRequestByte: 777 }, isPart],
    ['every part is answered with 503', { answer: 503, code: 'SlowDown' }, isPart],
    ['every part is reset', { resetRequestAt: 100 }, isPart],
    ['every completion is refused', { answer: 403, code: 'AccessDenied' }, isComplete],
  ] as const)('stores nothing when %s', async ([, fault, matches]) => {
    const struck = proxy.inject(fault, matches, Infinity);
    const content = matches === isPut ? small : large;
    await expect(open(600).put('object', streamOf(content))).rejects.toThrow(DavitError);
    expect(struck()).toBeGreaterThan(0);
    await expectNothing();
  });

  test('repeats nothing on a slow network, as long as something moves', async () => {
    const slow = proxy.inject({ bytesPerSecond: 3_000_000 }, isPart, Infinity);
    const patient = createS3Storage({ bucket: server.bucket, prefix: '', environment: server.environmentFor(proxy.endpoint) });
    await expect(patient.put('object', streamOf(large))).resolves.toMatchObject({ proven: true });
    expect(slow()).toBe(Math.ceil(large.length / part));
  });

  test('never completes an upload whose source failed, and aborts it', async () => {
    await expect(storage.put('object', failing(large.length, new Error('the source broke')))).rejects.toThrow('the source broke');
    expect(proxy.seen.filter(isCreate)).toHaveLength(1);
    expect(proxy.seen.filter(isComplete)).toEqual([]);
    expect(proxy.seen.some(isAbort)).toBe(true);
    expect(await storage.sweep('', always)).toBe(0);
  });

  test('repeats an abort that a busy server refuses', async () => {
    proxy.inject({ answer: 503, code: 'SlowDown' }, isAbort, 2);
    await expect(storage.put('object', failing(large.length, new Error('the source broke')))).rejects.toThrow('the source broke');
    expect(await storage.sweep('', always)).toBe(0);
  });

  test('gives up where even the abort gets no answer', async () => {
    proxy.inject({ stall: true }, isAbort, Infinity);
    proxy.inject({ answer: 403, code: 'AccessDenied' }, isPart, Infinity);
    await expect(storage.put('object', streamOf(large))).rejects.toThrow('access denied');
    proxy.heal();
    expect(await storage.sweep('', always)).toBe(1);
  });

  test.for([
    ['unknown to it', 'opaque-tag', true],
    ['an MD5 of something else', 'd41d8cd98f00b204e9800998ecf8427e', false],
  ] as const)('an ETag that is %s', async ([, etag, isStored]) => {
    proxy.inject({ setResponseHeader: { etag: `"${etag}"` } }, isPut, Infinity);
    const putting = storage.put('object', streamOf(small));
    if (isStored) await expect(putting).resolves.toMatchObject({ proven: false });
    else await expect(putting).rejects.toThrow('other bytes than were sent');
  });

  test('does not take the ETag of a customer-encrypted object for an MD5', async () => {
    const header = { etag: '"d41d8cd98f00b204e9800998ecf8427e"', 'x-amz-server-side-encryption': 'aws:kms' };
    proxy.inject({ setResponseHeader: header }, isPut, Infinity);
    await expect(storage.put('object', streamOf(small))).resolves.toMatchObject({ proven: false });
  });

  describe('reading', () => {
    beforeEach(async () => {
      await storage.put('object', streamOf(large));
    });

    test.for([
      ['the body is cut, three times', { cutResponseAt: 5_000_000 }, 3],
      ['the first byte never comes', { cutResponseAt: 0 }, 2],
      ['the answer is 503', { answer: 503, code: 'SlowDown' }, 2],
      ['there is no answer', { stall: true }, 1],
    ] as const)('gives the right bytes although %s', async ([, fault, times]) => {
      const struck = proxy.inject(fault, isGet, times);
      expect(await digest(await storage.get('object'))).toEqual({ bytes: large.length, sha256: sha256(large) });
      expect(struck()).toBe(times);
    });

    test('fails when the connection never lasts', async () => {
      proxy.inject({ cutResponseAt: 0 }, isGet, Infinity);
      await expect(storage.get('object').then(digest)).rejects.toThrow(DavitError);
    });

    test('fails rather than join two objects', async () => {
      proxy.inject({ cutResponseAt: 20_000_000 }, isGet);
      const stream = await storage.get('object');
      await storage.put('object', streamOf(noise(large.length, 99)));
      await expect(digest(stream)).rejects.toThrow(DavitError);
    });
  });

  test('repeats a listing', async () => {
    await storage.put('object', streamOf(small));
    proxy.inject({ answer: 503, code: 'SlowDown' }, isList, 2);
    expect(await Array.fromAsync(storage.list(''))).toHaveLength(1);
  });

  test('removes one by one where the server knows no batches', async () => {
    await storage.put('object', streamOf(small));
    proxy.inject({ answer: 501, code: 'NotImplemented' }, ({ method, url }) => method === 'POST' && url.searchParams.has('delete'));
    await storage.remove(['object', 'absent']);
    await expectNothing();
  });

  test('fails in bounded time when the endpoint has vanished', async () => {
    await proxy.vanish();
    await expect(open(800).put('object', streamOf(small))).rejects.toThrow('nothing listens at the endpoint');
  });
});
