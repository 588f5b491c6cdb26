import { Transform } from 'node:stream';
import { giveBack } from '../model/chunk.ts';
import { DavitError, messageOf } from '../model/errors.ts';
import { parseTrailer, trailerBytes } from './acknowledged.ts';
import { createCoalescer } from './coalescer.ts';
import { createFrameParser } from './frames.ts';

const mebibyte = 1024 * 1024;

export interface DemultiplexOptions {
  readonly where: string;
  readonly nonce: string;
  readonly chunkBytes?: number;
  /** Not to be kept. */
  onStderr(bytes: Buffer): void;
  /** The command has ended with this code and everything before has arrived. Called once. */
  onTrailer(exitCode: number): void;
  /** Decides, after the last byte, whether the stream may end cleanly: it throws when not. `rest`: what came instead of a trailer. */
  onEnd(rest: string): Promise<void>;
}

/**
 * Docker's framed stream in, the command's stdout out: without the trailer, in chunks of about 1 MiB (what follows is a hash and a child's
 * stdin, which are dear by the call), with backpressure.
 */
export function createDemultiplexer({ where, nonce, chunkBytes = mebibyte, onStderr, onTrailer, onEnd }: DemultiplexOptions): Transform {
  let exitCode: number | undefined;
  const stdout = createCoalescer(chunkBytes, trailerBytes, (chunk) => demultiplexer.push(chunk));
  const frames = createFrameParser({
    stdout(bytes) {
      if (exitCode !== undefined) throw new Error('more output after the trailer');
      stdout.add(bytes);
    },
    stderr: onStderr,
  });

  function seeTrailer(): void {
    exitCode ??= parseTrailer(nonce, stdout.held());
    if (exitCode === undefined) return;
    stdout.end(trailerBytes);
    onTrailer(exitCode);
  }

  const demultiplexer = new Transform({
    writableHighWaterMark: 256 * 1024,
    readableHighWaterMark: chunkBytes,
    transform(chunk: Buffer, _encoding, done) {
      try {
        frames.write(chunk);
        giveBack(chunk);
        if (exitCode === undefined) seeTrailer();
        done();
      } catch (error) {
        done(new DavitError({ where, what: "Docker's stream is damaged", seen: messageOf(error) }, { cause: error }));
      }
    },
    flush(done) {
      onEnd(exitCode === undefined ? stdout.rest().toString('utf8', 0, 2000) : '').then(() => done(), done);
    },
  });
  return demultiplexer;
}
