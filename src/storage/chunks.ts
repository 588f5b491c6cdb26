import type { Readable } from 'node:stream';

/** The chunks of a stream. An abort ends the waiting at once, even where the stream itself is stuck and cannot end; then it is destroyed. */
export async function* chunksOf(data: Readable, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const chunks = data[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let giveUp: (reason: unknown) => void = () => undefined;
  const abort = () => giveUp(signal?.reason);
  signal?.addEventListener('abort', abort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { value, done } = await new Promise<IteratorResult<Buffer>>((resolve, reject) => {
        giveUp = reject;
        chunks.next().then(resolve, reject);
      });
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    data.on('error', () => undefined).destroy();
  }
}
