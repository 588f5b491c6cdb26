/** Docker's framing of an exec or attach without TTY: 8 bytes (stream, 0, 0, 0, length) before each piece of stdout (1) or stderr (2). */
const headerBytes = 8;

export interface FrameSink {
  stdout(bytes: Buffer): void;
  stderr(bytes: Buffer): void;
}

export interface FrameParser {
  /** Slices given to the sink share the memory of `chunk`. */
  write(chunk: Buffer): void;
  /** True between two frames: a stream that ends anywhere else was cut. */
  whole(): boolean;
}

export function createFrameParser(sink: FrameSink): FrameParser {
  const header = Buffer.alloc(headerBytes);
  let have = 0;
  let left = 0;
  let stream = 0;

  function open(): void {
    stream = header.readUInt8(0);
    left = header.readUInt32BE(4);
    if (stream > 2 || header[1] || header[2] || header[3]) throw new Error(`no frame of Docker's: ${header.toString('hex')}`);
    have = 0;
  }

  function write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const piece = chunk.subarray(at, at + left);
        at += piece.length;
        left -= piece.length;
        if (stream === 2) sink.stderr(piece);
        else sink.stdout(piece);
      } else {
        const copied = chunk.copy(header, have, at, at + headerBytes - have);
        at += copied;
        have += copied;
        if (have === headerBytes) open();
      }
    }
  }

  return { write, whole: () => have === 0 && left === 0 };
}
