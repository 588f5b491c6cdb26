import { finished, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DavitError } from '../model/errors.ts';

export interface Body {
  readonly chunks: Readable;
  /** Of the whole object. */
  readonly bytes: number | undefined;
  readonly etag: string | undefined;
}

const attemptsWithoutProgress = 5;
const firstPauseMs = 50;

/** The bytes of one object. A broken connection is taken up again where it broke, and only if the object is still the same. */
export function download(where: string, first: Body, resume: (from: number, etag: string | undefined) => Promise<Body>): Readable {
  let current = first.chunks;
  let received = 0;
  let failures = 0;

  const stream = new Readable({
    highWaterMark: 1024 * 1024,
    read: () => void current.resume(),
    destroy: (error, callback) => {
      current.destroy();
      callback(error);
    },
  });

  function follow(chunks: Readable): void {
    current = chunks;
    finished(chunks, { writable: false }, (problem) => void conclude(problem));
    chunks.on('data', (chunk: Buffer) => {
      received += chunk.length;
      failures = 0;
      if (!stream.push(chunk)) chunks.pause();
    });
  }

  async function conclude(problem: unknown): Promise<void> {
    if (stream.destroyed) return;
    if (!problem && (first.bytes === undefined || received === first.bytes)) return void stream.push(null);
    try {
      if (++failures > attemptsWithoutProgress || received > (first.bytes ?? Infinity)) {
        const seen = `${received} of ${first.bytes} bytes`;
        throw new DavitError({ where, what: 'the connection breaks while reading', seen, fix: 'check the network' }, { cause: problem });
      }
      await sleep(firstPauseMs * 2 ** failures);
      if (stream.destroyed) return;
      const next = await resume(received, first.etag);
      if (stream.destroyed) next.chunks.destroy();
      else follow(next.chunks);
    } catch (error) {
      stream.destroy(error as Error);
    }
  }

  follow(first.chunks);
  return stream;
}
