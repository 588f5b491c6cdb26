import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { createAge } from '../../src/codecs/age.ts';
import type { Codec } from '../../src/codecs/codec.ts';
import { codecsForWriting, createCodecs } from '../../src/codecs/index.ts';
import { DavitError } from '../../src/model/errors.ts';
import { createAgeKeys } from '../support/age-keys.ts';
import { digest, failing, noise, sha256, streamOf } from '../support/bytes.ts';
import { reasonOf } from '../support/reason.ts';
import { children, until } from '../support/processes.ts';

const keys = createAgeKeys();
const codecs = createCodecs(keys);

async function through(content: Buffer, stage: Duplex, pieceBytes?: number): Promise<Buffer> {
  const [result] = await Promise.all([buffer(stage), pipeline(streamOf(content, pieceBytes), stage)]);
  return result;
}

describe.each([...codecs.values()])('codec: $name', (codec: Codec) => {
  const content = noise(3_000_000);
  let encoded: Buffer;
  beforeAll(async () => {
    encoded = await through(content, codec.encode());
  });

  test.for([
    [0, 1],
    [1, 1],
    [100_000, 13],
    [5_000_000, 65_536],
    [20_000_000, 3_000_000],
  ] as const)('gives back %i bytes written in pieces of %i', async ([bytes, pieceBytes]) => {
    const content = noise(bytes, bytes);
    const decoded = await through(await through(content, codec.encode(), pieceBytes), codec.decode(), pieceBytes);
    expect(sha256(decoded)).toBe(sha256(content));
  });

  test.for([0, 1, 0.001, 0.5, 0.999])('a stream cut at %f of its length is an error', async (fraction) => {
    const cut = encoded.subarray(0, fraction < 1 ? Math.floor(encoded.length * fraction) : 1);
    await expect(through(cut, codec.decode())).rejects.toThrow(DavitError);
  });

  test('a stream without its last byte is an error', async () => {
    await expect(through(encoded.subarray(0, -1), codec.decode())).rejects.toThrow(DavitError);
  });

  test('something behind the end is an error', async () => {
    await expect(through(Buffer.concat([encoded, Buffer.from('more')]), codec.decode())).rejects.toThrow(DavitError);
  });

  test.for([0, 0.3, 0.7, 0.99999])('a byte flipped at %f of its length is an error', async (fraction) => {
    const damaged = Buffer.from(encoded);
    const at = Math.floor(encoded.length * fraction);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
    await expect(through(damaged, codec.decode())).rejects.toThrow(DavitError);
  });

  test('the error of the source arrives at the reader', async () => {
    const stage = codec.encode();
    const reason = reasonOf(digest(stage));
    await expect(pipeline(failing(1_000_000, new Error('the source broke')), stage)).rejects.toThrow('the source broke');
    expect((await reason).message).toBe('the source broke');
  });

  test('takes no more than a few megabytes when nobody reads', async () => {
    const stage = codec.encode();
    const pieces = noise(16 * 1024 * 1024);
    let taken = 0;
    // Writes until the stage asks to wait and has no room again for a second.
    for (let isFull = false; !isFull && taken < 256 * 1024 * 1024; taken += 65_536) {
      const offset = taken % pieces.length;
      if (stage.write(pieces.subarray(offset, offset + 65_536))) continue;
      isFull = await Promise.race([
        new Promise<boolean>((resolve) => stage.once('drain', () => resolve(false))),
        new Promise<boolean>((resolve) => setTimeout(resolve, 1000, true)),
      ]);
    }
    stage.destroy();
    expect(taken).toBeLessThan(64 * 1024 * 1024);
  });

  test('an abort ends the program', async () => {
    const controller = new AbortController();
    const before = children().length;
    const stage = codec.encode(controller.signal);
    const reason = reasonOf(digest(stage));
    stage.write(noise(1000));
    await until(() => children().length > before);
    controller.abort();
    expect((await reason).name).toBe('AbortError');
    await until(() => children().length === before);
  });

  test('does not begin after an abort', () => {
    expect(() => codec.encode(AbortSignal.abort(new Error('too late')))).toThrow('too late');
  });
});

test('what is written is compressed, and encrypted where somebody is named', () => {
  expect(codecsForWriting(codecs, { recipients: [] }).map(({ name }) => name)).toEqual(['zstd']);
  expect(codecsForWriting(codecs, keys).map(({ name }) => name)).toEqual(['zstd', 'age']);
});

test('the programs themselves read what Davit wrote', async () => {
  const { program } = await import('../../src/codecs/program.ts');
  const content = noise(100_000);
  const encoded = await through(content, codecs.get('zstd')?.encode() ?? new Duplex());
  expect(await through(encoded, program('zstdcat', []))).toEqual(content);
});

describe('age keys', () => {
  const content = noise(100_000);

  test('every recipient can read, and nobody else', async () => {
    const [first, second, stranger] = [createAgeKeys(), createAgeKeys(), createAgeKeys()];
    const encoded = await through(content, createAge({ recipients: [...first.recipients, ...second.recipients] }).encode());
    for (const { identity } of [first, second]) {
      expect(await through(encoded, createAge({ recipients: [], identity }).decode())).toEqual(content);
    }
    for (const identity of [stranger.identity, 'no key at all', 'AGE-SECRET-KEY-1QQQQ']) {
      const refused = through(encoded, createAge({ recipients: [], identity }).decode());
      await expect(refused).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('DAVIT_IDENTITY must hold') });
    }
  });

  test('what is damaged is not told to have another key', async () => {
    const encoded = await through(content, createAge(keys).encode());
    for (const damaged of [encoded.subarray(0, 40), encoded.subarray(0, 5000), Buffer.concat([encoded.subarray(0, -9), noise(9)])])
      await expect(through(damaged, createAge(keys).decode())).rejects.toMatchObject({ exitCode: 1 });
  });

  test('the identity may be the key alone, or several in a long file', async () => {
    const encoded = await through(content, createAge(keys).encode());
    const alone = /AGE-SECRET-KEY-\w+/.exec(keys.identity)?.[0];
    const long = `${'# a comment\n'.repeat(2000)}${createAgeKeys().identity}\n${keys.identity}`;
    for (const identity of [alone, long]) expect(await through(encoded, createAge({ recipients: [], identity }).decode())).toEqual(content);
  });

  test('reading without an identity says which variable is missing', () => {
    expect(() => createAge({ recipients: keys.recipients }).decode()).toThrow('DAVIT_IDENTITY');
  });

  test('a wrong recipient says which variable is wrong', async () => {
    await expect(through(content, createAge({ recipients: ['age1nonsense'] }).encode())).rejects.toThrow('DAVIT_ENCRYPT_TO');
  });

  test('the identity is neither an argument nor a variable of any process, nor in the error', async () => {
    const secret = /AGE-SECRET-KEY-\w+/.exec(keys.identity)?.[0] ?? '';
    const stage = createAge(keys).decode();
    const ended = digest(stage).catch(String);
    // Without input age waits, and can be looked at.
    const age = await until(() => children().find(({ argv }) => argv.startsWith('age ')));
    expect(age.argv).toContain('--decrypt');
    for (const { argv, env } of children()) expect(argv + env).not.toContain(secret);
    stage.end(noise(1000));
    expect(await ended).not.toContain(secret);
  });
});
