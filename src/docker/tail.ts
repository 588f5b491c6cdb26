export const stderrBytes = 8 * 1024;

export interface Tail {
  add(bytes: Buffer): void;
  text(): string;
}

/** The last `bytes` of a stream. */
export function createTail(bytes: number = stderrBytes): Tail {
  let kept: Buffer = Buffer.alloc(0);
  return {
    add(piece) {
      kept = Buffer.concat([kept, piece]);
      // Copied, so that the chunk it was cut from can be freed.
      if (kept.length > bytes) kept = Buffer.from(kept.subarray(-bytes));
    },
    text: () => kept.toString('utf8'),
  };
}

/** What a person needs of it in one error: the last lines. */
export function lastLines(text: string, lines = 5): string {
  return text.trim().split('\n').slice(-lines).join('\n').slice(-1000);
}
