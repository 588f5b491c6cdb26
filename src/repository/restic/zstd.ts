import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** What Node's own synchronous functions use of a stream, of which they make a new one each time. */
interface Handle {
  writeSync(flush: number, input: Buffer, inputAt: number, inputBytes: number, output: Buffer, outputAt: number, outputBytes: number): void;
}
interface Stream {
  readonly _handle?: Partial<Handle>;
  /** After a call: the room that is left in the output, and the bytes that were not read. */
  readonly _writeState?: Uint32Array;
}

const params = { [constants.ZSTD_c_compressionLevel]: 3 };
/** Of what is larger, making a context is a small part. */
const smallBytes = 128 * 1024;

/** Contexts are kept: making one takes five times as long as compressing a small file. Where Node has no such handles, each call makes its own. */
const compressing = createContext(
  () => createZstdCompress({ params, chunkSize: 64 }),
  constants.ZSTD_e_end,
  (room) => room > 0,
);
const decompressing = createContext(
  () => createZstdDecompress({ chunkSize: 64 }),
  constants.ZSTD_e_continue,
  (room) => room === 0,
);
let output: Buffer | undefined;

/** One frame; the next call may overwrite it. */
export function compressFrame(plain: Buffer): Buffer {
  if (plain.length <= smallBytes) {
    output ??= Buffer.allocUnsafeSlow(2 * smallBytes);
    const room = compressing(plain, output);
    if (room !== undefined) return output.subarray(0, output.length - room);
  }
  return zstdCompressSync(plain, { params, chunkSize: Math.max(64, plain.length + 512) });
}

/** Fails unless it is one frame of so many bytes, or fewer. */
export function decompressFrame(frame: Buffer, plainLength: number): Buffer {
  if (plainLength <= smallBytes) {
    const plain = Buffer.allocUnsafe(plainLength);
    if (decompressing(frame, plain) !== undefined) return plain;
  }
  // It says what is wrong.
  return zstdDecompressSync(frame, { chunkSize: Math.max(64, plainLength), maxOutputLength: plainLength });
}

/** Gives the room that is left in the output; undefined: it did not work. */
function createContext(
  make: () => object,
  flush: number,
  isDone: (room: number) => boolean,
): (input: Buffer, output: Buffer) => number | undefined {
  let stream: Stream | undefined;
  let isBroken = false;
  return (input, output) => {
    if (stream === undefined) {
      const made: object = make();
      stream = made;
      Object.assign(stream._handle ?? {}, { onerror: () => void (isBroken = true) });
    }
    const { _handle: handle, _writeState: state } = stream;
    if (handle?.writeSync === undefined || state === undefined) return undefined;
    handle.writeSync(flush, input, 0, input.length, output, 0, output.length);
    const [room = 0, unread = 0] = state;
    const isWhole = !isBroken && unread === 0 && isDone(room);
    // What is half done would go on with the next call.
    if (!isWhole) [stream, isBroken] = [undefined, false];
    return isWhole ? room : undefined;
  };
}
