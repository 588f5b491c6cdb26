import type { Table } from '../model/snapshot.ts';

/**
 * How a value lies in the file, by its type: `s` a string, `d` a number as text, `l` a length, `m` the value of a module, a digit or `G` that many
 * bytes (`G` is 16), `[…]` a length and then as many times what is inside.
 */
const values: Readonly<Record<number, string>> = {
  ...Object.fromEntries([0, 9, 10, 11, 12, 13, 16, 17, 20].map((type) => [type, 's'])),
  1: '[s]',
  2: '[s]',
  3: '[sd]',
  4: '[ss]',
  5: '[s8]',
  7: 'lm',
  14: '[s]',
  15: '[ss]lll[sll[G8l][s8[G]]]',
  18: '[ls]',
  19: '[ss]llllllll[slll[G8l][s8[G]]]',
  21: '[ss]llllllll[slll[G8l][s88[G]]]',
};

/** What stands between the values. `e`: the next key expires; `n`: the number of the database that follows. */
const marks: Readonly<Record<number, string>> = {
  0xf4: 'lll',
  0xf5: 's',
  0xf7: 'lm',
  0xf8: 'l',
  0xf9: '1',
  0xfa: 'ss',
  0xfb: 'll',
  0xfc: '8e',
  0xfd: '4e',
  0xfe: 'n',
};
const endOfKeys = 0xff;
const ofModules: Readonly<Record<number, string>> = { 0: '', 1: 'lm', 2: 'lm', 3: '4m', 4: '8m', 5: 'sm' };
const text = { lzf: 0xc3, longLength: 0x81 };

interface Frame {
  readonly steps: string;
  at: number;
  /** How often it is still walked, this time included. */
  left: number;
}

export interface KeyCounter {
  see(data: Buffer): void;
  /** Keys without an expiry, by database, where there are any; undefined when something in the file is not known, or it does not end `tailBytes` after its last key. */
  conclude(tailBytes: readonly number[]): Table[] | undefined;
}

/** Walks the keys of an RDB file while it passes. Keys that expire are not counted: by the time of a restore they may be gone, and rightly. */
export function createKeyCounter(headBytes: number): KeyCounter {
  const keys = new Map<number, number>();
  const stack: Frame[] = [];
  let place: 'keys' | 'end' | 'unknown' = 'keys';
  let carry: Buffer = Buffer.alloc(0);
  let skip = headBytes;
  let database = 0;
  let expires = false;
  let tail = 0;
  let number = 0;

  /** Reads a length into `number`. Returns where it ends; -1: more bytes are needed. */
  function readLength(data: Buffer, at: number): number {
    const first = data[at];
    if (first === undefined) return -1;
    const bytes = first < 0x40 ? 1 : first < 0x80 ? 2 : first === text.longLength ? 9 : first === 0x80 ? 5 : 1;
    if (at + bytes > data.length) return -1;
    if (bytes === 1) number = first;
    else if (bytes === 2) number = ((first & 0x3f) << 8) | (data[at + 1] ?? 0);
    else number = bytes === 5 ? data.readUInt32BE(at + 1) : Number(data.readBigUInt64BE(at + 1));
    return at + bytes;
  }

  /** Reads what stands before the bytes of a string, and leaves these in `number`. */
  function readString(data: Buffer, at: number): number {
    const first = data[at] ?? 0;
    if (first < 0xc0) return readLength(data, at);
    if (first < text.lzf) {
      number = 1 << (first - 0xc0);
      return at < data.length ? at + 1 : -1;
    }
    const packed = first === text.lzf ? readLength(data, at + 1) : -1;
    const packedBytes = number;
    const end = packed === -1 ? -1 : readLength(data, packed);
    number = packedBytes;
    return end;
  }

  function push(steps: string, left = 1): void {
    if (steps !== '' && left > 0) stack.push({ steps, at: 0, left });
  }

  function beginRecord(kind: number): void {
    const [mark, value] = [marks[kind], values[kind]];
    if (kind === endOfKeys) place = 'end';
    else if (mark !== undefined) push(mark);
    else if (value === undefined) place = 'unknown';
    else {
      if (!expires) keys.set(database, (keys.get(database) ?? 0) + 1);
      expires = false;
      push(`s${value}`);
    }
  }

  /** Does one step of the innermost frame. Returns where it ends; -1: more bytes are needed. */
  function step(frame: Frame, data: Buffer, at: number): number {
    const kind = frame.steps[frame.at] as string;
    let end = at;
    if (kind === 's') end = readString(data, at);
    else if (kind === 'd') {
      end = at < data.length ? at + 1 : -1;
      number = (data[at] ?? 0) < 253 ? (data[at] ?? 0) : 0;
    } else if (kind === 'l' || kind === 'n' || kind === 'm' || kind === '[') end = readLength(data, at);
    if (end === -1) return -1;
    frame.at += 1;
    if (kind === 's' || kind === 'd') skip = number;
    else if (kind === 'e') expires = true;
    else if (kind === 'n') database = number;
    else if (kind === 'm') {
      const next = ofModules[number];
      if (next === undefined) place = 'unknown';
      else push(next);
    } else if (kind === '[') {
      const inside = frame.at;
      frame.at = closing(frame.steps, inside) + 1;
      push(frame.steps.slice(inside, frame.at - 1), number);
    } else if (kind !== 'l') skip = kind === 'G' ? 16 : Number(kind);
    return end;
  }

  function walk(data: Buffer): number {
    let at = 0;
    while (place === 'keys') {
      if (skip > 0) {
        const bytes = Math.min(skip, data.length - at);
        skip -= bytes;
        at += bytes;
        if (skip > 0) return at;
      }
      const frame = stack.at(-1);
      if (frame === undefined) {
        if (at === data.length) return at;
        beginRecord(data[at] as number);
        at += 1;
      } else if (frame.at < frame.steps.length) {
        const end = step(frame, data, at);
        if (end === -1) return at;
        at = end;
      } else if (frame.left > 1) Object.assign(frame, { at: 0, left: frame.left - 1 });
      else stack.pop();
    }
    return at;
  }

  return {
    see(chunk) {
      if (place === 'unknown') return;
      const data = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
      const at = walk(data);
      if (place === 'end') tail += data.length - at;
      carry = place === 'keys' ? Buffer.from(data.subarray(at)) : Buffer.alloc(0);
    },
    conclude: (tailBytes) =>
      place === 'end' && tailBytes.includes(tail) ? [...keys].map(([number, rows]) => ({ name: `db${number}`, rows })) : undefined,
  };
}

/** Where the bracket that was opened before `from` is closed. */
function closing(steps: string, from: number): number {
  let at = from;
  for (let open = 1; at < steps.length; at += 1) {
    if (steps[at] === '[') open += 1;
    else if (steps[at] === ']') open -= 1;
    if (open === 0) break;
  }
  return at;
}
