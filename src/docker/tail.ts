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

/** What a person needs of it in one error: the last lines. The first of them gives way to the last line that names an error, if that came before. */
export function lastLines(text: string, lines = 5): string {
  const all = text.trim().split('\n');
  const last = all.slice(-lines);
  const error = all.findLast((line) => /\berror:/i.test(line));
  const shown = error === undefined || last.includes(error) ? last : [error, ...last.slice(1)];
  return shown.join('\n').slice(-1000);
}
