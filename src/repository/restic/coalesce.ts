const slabBytes = 256 * 1024;

/** Small pieces of a stream go together: each write to a program has its price. */
export interface Coalescer {
  /** Gives what is to be sent now. */
  add(piece: Buffer): readonly Buffer[];
  end(): readonly Buffer[];
}

export function createCoalescer(): Coalescer {
  let slab = Buffer.alloc(0);
  let [from, used] = [0, 0];

  function end(): readonly Buffer[] {
    if (used === from) return [];
    const ready = [slab.subarray(from, used)];
    from = used;
    return ready;
  }

  return {
    end,
    add(piece) {
      if (piece.length >= slabBytes / 4) return [...end(), piece];
      const ready = slab.length - used < piece.length ? end() : [];
      if (slab.length - used < piece.length) {
        slab = Buffer.allocUnsafeSlow(slabBytes);
        [from, used] = [0, 0];
      }
      used += piece.copy(slab, used);
      return ready;
    },
  };
}
