import { randomBytes, randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { createNonce } from '../../../src/docker/acknowledged.ts';
import { createDemultiplexer } from '../../../src/docker/demultiplex.ts';
import { DavitError } from '../../../src/model/errors.ts';

const nonce = createNonce();
const trailer = (code: string): Buffer => Buffer.from(`\n${nonce} ${code}`);

function frame(stream: 1 | 2, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** Cuts bytes at random places, some of them very small, so that headers and trailers straddle. */
function shred(bytes: Buffer, largest: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = Math.random() < 0.3 ? randomInt(1, 9) : randomInt(1, largest);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

async function demultiplex(input: readonly Buffer[], chunkBytes?: number) {
  const seen = { stderr: '', codes: [] as number[], rest: '', sizes: [] as number[] };
  const demultiplexer = createDemultiplexer({
    where: 'container "x"',
    nonce,
    ...(chunkBytes === undefined ? {} : { chunkBytes }),
    onStderr: (bytes) => void (seen.stderr += bytes.toString()),
    onTrailer: (code) => void seen.codes.push(code),
    onEnd: async (rest) => void (seen.rest = rest),
  });
  const chunks: Buffer[] = [];
  await pipeline(Readable.from(input), demultiplexer, async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) chunks.push(chunk);
  });
  return { ...seen, stdout: Buffer.concat(chunks), sizes: chunks.map((chunk) => chunk.length) };
}

describe('the demultiplexer', () => {
  test.each(Array.from({ length: 40 }, (_, round) => round))('gives back stdout and stderr under any split, round %i', async (round) => {
    const payload = randomBytes(randomInt(0, round < 20 ? 200 : 60_000));
    const code = String(randomInt(0, 257)).padStart(3, '0');
    const frames = shred(Buffer.concat([payload, trailer(code)]), round % 2 ? 40 : 9000).flatMap((piece) => [
      frame(1, piece),
      ...(Math.random() < 0.2 ? [frame(2, Buffer.from('e'))] : []),
    ]);
    const result = await demultiplex(shred(Buffer.concat(frames), round % 3 ? 30 : 5000), randomInt(1, 5000));
    expect(result.stdout.equals(payload)).toBe(true);
    expect(result.codes).toEqual([Number(code)]);
    expect(result.rest).toBe('');
  });

  test('joins small frames into chunks of 1 MiB', async () => {
    const small = frame(1, randomBytes(32 * 1024));
    const { sizes } = await demultiplex([...Array.from({ length: 80 }, () => small), frame(1, trailer('000'))]);
    expect(sizes).toEqual([1024 * 1024, 1024 * 1024, 512 * 1024]);
  });

  test('never takes output for the trailer: another nonce, no digits, no newline', async () => {
    for (const text of [`\n${createNonce()} 000`, `\n${nonce} 0x0`, `!${nonce} 000`]) {
      const { codes, rest } = await demultiplex([frame(1, Buffer.from(text))]);
      expect(codes).toEqual([]);
      expect(rest).toBe(text);
    }
  });

  test('keeps what looks like the trailer in the middle of the output', async () => {
    const payload = Buffer.concat([Buffer.from('a'), trailer('000'), Buffer.from('b')]);
    const { stdout, codes } = await demultiplex([frame(1, Buffer.concat([payload, trailer('007')]))]);
    expect(stdout.equals(payload)).toBe(true);
    expect(codes).toEqual([7]);
  });

  test('refuses output after the trailer', async () => {
    await expect(demultiplex([frame(1, trailer('000')), frame(1, Buffer.from('more'))])).rejects.toThrow('more output after the trailer');
  });

  test("refuses what is not Docker's framing", async () => {
    const error = await demultiplex([Buffer.from('HTTP/1.1 500 Oops')]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DavitError);
    expect(String(error)).toContain(`container "x": Docker's stream is damaged`);
  });

  test('stops taking input while nobody takes output', async () => {
    const demultiplexer = createDemultiplexer({ where: '', nonce, onStderr() {}, onTrailer() {}, async onEnd() {} });
    const piece = frame(1, randomBytes(64 * 1024));
    let taken = 0;
    while (demultiplexer.write(piece) && taken < 1000) taken += 1;
    expect(taken * 64 * 1024).toBeLessThan(3 * 1024 * 1024);
  });
});
