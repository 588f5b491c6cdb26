const largeBytes = 64 * 1024;

/** Gives the memory of a large buffer back at once, because the collector lets hundreds of MiB of them pile up. Nobody may look at it any more. */
export function release(buffer: Buffer): void {
  const { buffer: memory, length } = buffer;
  if (length >= largeBytes && length === memory.byteLength && memory instanceof ArrayBuffer) memory.transfer(0);
}

/** Small buffers share memory with their neighbours in time, and one that is kept for long keeps all of it. */
export function apart(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
