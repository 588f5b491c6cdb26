/** Repeatable pseudo-random numbers (mulberry32), so that a failing case can be run again by its seed. */
export interface Random {
  /** From 0 to `limit - 1`. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
}

export function createRandom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    pick<T>(values: readonly T[]): T {
      return values[below(values.length)] as T;
    },
  };
}

/** The same bytes in pieces of 1 to `longest` bytes. */
export function split(data: Buffer, random: Random, longest: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length;) {
    const end = at + 1 + random.below(longest);
    pieces.push(data.subarray(at, end));
    at = end;
  }
  return pieces;
}
