const batchBytes = 1024 * 1024;
const [quoteMark, backslash, opening, closing, endOfList] = [0x22, 0x5c, 0x7b, 0x7d, 0x5d];

/** The objects of the JSON list that begins at `start`, about a megabyte of them at a time as lists of their own: the whole may be longer than a string can be. */
export function* batchesOf(bytes: Buffer, start: number): Generator<string> {
  const list = (from: number, to: number) => `[${bytes.toString('utf8', from, to).replace(/^\s*,/, '')}]`;
  let from = start;
  let depth = 0;
  let inString = false;
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === backslash) at += 1;
      else if (byte === quoteMark) inString = false;
    } else if (byte === quoteMark) inString = true;
    else if (byte === opening) depth += 1;
    else if (byte === closing) {
      depth -= 1;
      if (depth > 0 || at - from < batchBytes) continue;
      yield list(from, at + 1);
      from = at + 1;
    } else if (byte === endOfList && depth === 0) return yield list(from, at);
  }
  throw new SyntaxError('the list has no end');
}
