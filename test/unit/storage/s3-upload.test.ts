import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { upload, type UploadRequests } from '../../../src/storage/s3-upload.ts';
import { Whole } from '../../../src/storage/whole.ts';
import { failing, noise, sha256, streamOf } from '../../support/bytes.ts';

const part = 5 * 1024 * 1024;

/** A server in memory that notes what is asked of it. */
function createServer(overrides: Partial<UploadRequests> = {}) {
  const asked: string[] = [];
  const buffers = new Set<ArrayBufferLike>();
  const bodies: string[] = [];
  let travelling = 0;
  let mostTravelling = 0;
  async function receive(body: Buffer) {
    buffers.add(body.buffer);
    mostTravelling = Math.max(mostTravelling, ++travelling);
    await new Promise((resolve) => setImmediate(resolve));
    travelling--;
    bodies.push(sha256(body));
    return { etag: createHash('md5').update(body).digest('hex'), mayBeMd5: true, isChecked: false };
  }
  const requests: UploadRequests = {
    put: (body) => (asked.push('put'), receive(body)),
    create: async () => (asked.push('create'), 'id'),
    putPart: (_, number, body) => (asked.push(`part ${number}`), receive(body)),
    complete: async (_, etags) => {
      asked.push(`complete ${etags.length}`);
      const md5s = etags.map((etag) => Buffer.from(etag, 'hex'));
      return `"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${etags.length}"`;
    },
    abort: async () => void asked.push('abort'),
    remove: async () => void asked.push('remove'),
    ...overrides,
  };
  return { requests, asked, buffers, bodies, mostTravelling: () => mostTravelling };
}

test('less than a part is one request', async () => {
  const server = createServer();
  const content = noise(1000);
  expect(await upload(server.requests, 'here', streamOf(content))).toEqual({ bytes: 1000, sha256: sha256(content), proven: true });
  expect(server.asked).toEqual(['put']);
  expect(server.bodies).toEqual([sha256(content)]);
});

test('bytes that lie in memory are one request, however many parts they would be', async () => {
  const server = createServer();
  const content = noise(3 * part);
  const whole = new Whole(content, sha256(content));
  expect(await upload(server.requests, 'here', whole)).toEqual({ bytes: 3 * part, sha256: sha256(content), proven: true });
  expect(server.asked).toEqual(['put']);
  expect(server.bodies).toEqual([sha256(content)]);
  const wrong = createServer({ put: async () => ({ etag: '0'.repeat(32), mayBeMd5: true, isChecked: false }) });
  await expect(upload(wrong.requests, 'here', whole)).rejects.toThrow('other bytes than were sent');
  expect(wrong.asked).toEqual(['remove']);
});

test('memory stays bounded while 16 parts pass', async () => {
  const server = createServer();
  const piece = noise(1024 * 1024);
  function* pieces() {
    for (let count = 0; count < 16 * 5; count++) yield piece;
  }
  const result = await upload(server.requests, 'here', Readable.from(pieces()));
  expect(result.bytes).toBe(16 * part);
  expect(server.asked.at(-1)).toBe('complete 16');
  expect(server.buffers.size).toBe(2);
  expect(server.mostTravelling()).toBeGreaterThan(1);
});

test('the completion names the parts in order, whatever order they arrived in', async () => {
  let completed: readonly string[] = [];
  const arrivals: number[] = [];
  const first = Promise.withResolvers<void>();
  const server = createServer({
    async putPart(_, number) {
      if (number === 1) await first.promise;
      arrivals.push(number);
      if (number === 3) first.resolve();
      return { etag: `tag-${number}`, mayBeMd5: true, isChecked: false };
    },
    complete: async (_, etags) => ((completed = etags), undefined),
  });
  expect(await upload(server.requests, 'here', streamOf(noise(2 * part + 1)))).toMatchObject({ proven: false });
  expect(arrivals.at(-1)).toBe(1);
  expect(completed).toEqual(['tag-1', 'tag-2', 'tag-3']);
});

test('a failed part stops the source and aborts; it never completes', async () => {
  const server = createServer({ putPart: async () => Promise.reject(new Error('no room')) });
  const data = new Readable({ read: () => void data.push(noise(part)) });
  await expect(upload(server.requests, 'here', data)).rejects.toThrow('no room');
  expect(data.destroyed).toBe(true);
  expect(server.asked).toEqual(['create', 'abort']);
});

test('a failed source aborts the parts that travel', async () => {
  let wasAborted = false;
  const server = createServer({
    putPart: (_, __, ___, ____, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => ((wasAborted = true), reject(signal.reason as Error)))),
  });
  await expect(upload(server.requests, 'here', failing(2 * part, new Error('the source broke')))).rejects.toThrow('the source broke');
  expect(wasAborted).toBe(true);
  expect(server.asked).toEqual(['create', 'abort']);
});

test('a whole that is not made of the parts is not proven', async () => {
  const server = createServer({ complete: async () => `${'0'.repeat(32)}-2` });
  expect(await upload(server.requests, 'here', streamOf(noise(part + 1)))).toMatchObject({ proven: false });
});

test('a server that checks the MD5 sent along needs no ETag of a kind', async () => {
  const server = createServer({ put: async () => ({ etag: '0'.repeat(32), mayBeMd5: false, isChecked: true }) });
  expect(await upload(server.requests, 'here', streamOf(noise(10)))).toMatchObject({ proven: true });
});

test('other bytes are sent again, then given up and removed', async () => {
  let puts = 0;
  const server = createServer({ put: async () => (puts++, { etag: '0'.repeat(32), mayBeMd5: true, isChecked: false }) });
  await expect(upload(server.requests, 'here', streamOf(noise(10)))).rejects.toThrow('other bytes than were sent');
  expect(puts).toBe(3);
  expect(server.asked).toEqual(['remove']);
});
