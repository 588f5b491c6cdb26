import { expect, test } from 'vitest';
import { buffersFor, cutIntoParts, partBytes } from '../../../src/storage/s3-parts.ts';
import { noise, sha256, streamOf } from '../../support/bytes.ts';

const tebibyte = 1024 ** 4;
const gibibyte = 1024 ** 3;

test('10,000 parts hold the largest object of S3', () => {
  const sizes = Array.from({ length: 10_000 }, (_, index) => partBytes(index + 1));
  expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThanOrEqual(5 * tebibyte);
  expect(sizes.slice(0, -1).every((bytes) => bytes >= 5 * 1024 * 1024)).toBe(true);
});

test('memory is 20 MiB up to 3 GiB, 40 MiB at 20 GiB, and never more than two of the largest parts', () => {
  expect(partBytes(720) * buffersFor(partBytes(720))).toBe(20 * 1024 * 1024);
  expect(partBytes(1900) * buffersFor(partBytes(1900))).toBe(40 * 1024 * 1024);
  expect(Math.max(...[1, 2000, 5000, 10_000].map((number) => partBytes(number) * buffersFor(partBytes(number))))).toBe(2 * gibibyte);
});

test.for([
  [0, [0]],
  [1, [1]],
  [10, [10]],
  [11, [10, 1]],
  [20, [10, 10]],
  [25, [10, 10, 5]],
] as const)('%i bytes become parts of %j', async ([bytes, expected]) => {
  const content = noise(bytes);
  const seen: Buffer[] = [];
  const sizes: number[] = [];
  const bodies: Buffer[] = [];
  let last = 0;
  for await (const part of cutIntoParts(
    streamOf(content, 7),
    (chunk) => seen.push(chunk),
    () => 10,
  )) {
    sizes.push(part.body.length);
    bodies.push(Buffer.from(part.body));
    if (part.isLast) last = part.number;
    part.release();
  }
  expect(sizes).toEqual(expected);
  expect(last).toBe(expected.length);
  expect(sha256(Buffer.concat(bodies))).toBe(sha256(content));
  expect(Buffer.concat(seen)).toEqual(content);
});

test('buffers are used again, and reading waits for one to come back', async () => {
  const parts = cutIntoParts(
    streamOf(noise(200), 7),
    () => undefined,
    () => 10,
  );
  const held = [];
  for (let count = 0; count < 1 + buffersFor(10); count++) held.push((await parts.next()).value);
  const waiting = parts.next();
  await expect(Promise.race([waiting, new Promise((resolve) => setImmediate(resolve, 'still waiting'))])).resolves.toBe('still waiting');
  held[2]?.release();
  const next = (await waiting).value;
  expect(next?.body.byteOffset).toBe(held[2]?.body.byteOffset);
});

test('all parts but the first share one piece of memory, whatever their size, and none overwrites another', async () => {
  const pieces = new Set<ArrayBufferLike>();
  const content = noise(200);
  const travelling: { content: Buffer; seen: Buffer; release(): void }[] = [];
  let at = 0;
  const arrive = (): void => {
    const oldest = travelling.shift();
    expect(oldest?.seen).toEqual(oldest?.content);
    oldest?.release();
  };
  for await (const { number, body, release } of cutIntoParts(
    streamOf(content, 7),
    () => undefined,
    (number) => 10 * Math.ceil(number / 5),
  )) {
    if (number > 1) pieces.add(body.buffer);
    travelling.push({ content: content.subarray(at, at + body.length), seen: body, release });
    at += body.length;
    // Where all are under way, some arrive while the next one waits for memory.
    if (travelling.length > 2) setImmediate(arrive);
    if (number % 5 === 0) while (travelling.length > 0) arrive();
  }
  while (travelling.length > 0) arrive();
  expect(at).toBe(content.length);
  expect(pieces.size).toBe(1);
});

test('larger parts get larger buffers', async () => {
  const sizes: number[] = [];
  for await (const part of cutIntoParts(
    streamOf(noise(70), 9),
    () => undefined,
    (number) => (number < 3 ? 10 : 20),
  )) {
    sizes.push(part.body.length);
    part.release();
  }
  expect(sizes).toEqual([10, 10, 20, 20, 10]);
});
