/**
 * Chunks whose memory can be given back by hand. Node gives every read 64 KiB of its own and leaves them to the garbage collector, which comes when
 * 64 MiB have piled up: that cost a third of all CPU, and the memory.
 */
const lent = new WeakSet<Buffer>();

/** By who made the chunk: nobody else holds its memory. */
export function lend(chunk: Buffer): Buffer {
  lent.add(chunk);
  return chunk;
}

/** What was just read or decrypted; it is lent unless it lies in a larger piece of memory. */
export function lendWhole(chunk: Buffer): Buffer {
  return chunk.length === chunk.buffer.byteLength ? lend(chunk) : chunk;
}

/** By the last who needs the chunk; it is empty afterwards. Chunks that nobody lent stay as they are. */
export function giveBack(chunk: Buffer): void {
  if (lent.delete(chunk)) (chunk.buffer as ArrayBuffer).transfer(0);
}
