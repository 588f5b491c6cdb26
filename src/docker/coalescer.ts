import { lend } from '../model/chunk.ts';

export interface Coalescer {
  add(bytes: Buffer): void;
  /** The bytes held back so far, at most `heldBytes`. */
  held(): Buffer;
  /** Everything not given out yet. */
  rest(): Buffer;
  /** Gives out what is left, without the last `dropBytes`. */
  end(dropBytes: number): void;
}

/** Joins small pieces into chunks of about `chunkBytes` and always holds back the last `heldBytes`, which may turn out to be the trailer. */
export function createCoalescer(chunkBytes: number, heldBytes: number, push: (chunk: Buffer) => void): Coalescer {
  let slab = Buffer.allocUnsafeSlow(chunkBytes + heldBytes);
  let used = 0;

  function give(): void {
    const full = slab;
    slab = Buffer.allocUnsafeSlow(full.length);
    full.copy(slab, 0, used - heldBytes, used);
    push(lend(full.subarray(0, used - heldBytes)));
    used = heldBytes;
  }

  return {
    add(bytes) {
      for (let at = 0; at < bytes.length;) {
        const copied = bytes.copy(slab, used, at);
        at += copied;
        used += copied;
        if (used === slab.length) give();
      }
    },
    held: () => slab.subarray(Math.max(0, used - heldBytes), used),
    rest: () => slab.subarray(0, used),
    end(dropBytes) {
      if (used > dropBytes) push(slab.subarray(0, used - dropBytes));
      used = 0;
    },
  };
}
