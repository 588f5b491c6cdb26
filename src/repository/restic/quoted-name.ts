import { isUtf8 } from 'node:buffer';

/** Names as Go's strconv.Quote writes them, without the quotes: printable characters as they are, everything else and bytes that are not UTF-8 escaped. */

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const escapes = new Map([
  ['\x07', 'a'],
  ['\b', 'b'],
  ['\f', 'f'],
  ['\n', 'n'],
  ['\r', 'r'],
  ['\t', 't'],
  ['\v', 'v'],
  ['"', '"'],
  ['\\', '\\'],
]);

export function quoteName(name: Buffer): string {
  const text = name.toString('latin1');
  if (plain.test(text)) return text;
  let quoted = '';
  for (let at = 0; at < name.length;) {
    const length = characterBytes(name, at);
    const character = name.toString('utf8', at, at + length);
    quoted += length === 0 ? hex('x', name[at] ?? 0, 2) : quoteCharacter(character);
    at += Math.max(1, length);
  }
  return quoted;
}

/** 0: no character of UTF-8 begins here. */
export function characterBytes(name: Buffer, at: number): number {
  const first = name[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return at + length <= name.length && isUtf8(name.subarray(at, at + length)) ? length : 0;
}

function quoteCharacter(character: string): string {
  const escape = escapes.get(character);
  if (escape !== undefined) return `\\${escape}`;
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return hex('x', code, 2);
  return code < 0x1_0000 ? hex('u', code, 4) : hex('U', code, 8);
}

function hex(kind: string, code: number, digits: number): string {
  return `\\${kind}${code.toString(16).padStart(digits, '0')}`;
}

const escapeSequence = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([abfnrtv"'\\]))/g;
const characters = new Map([...escapes].map(([character, escape]) => [escape, character]));

export function unquoteName(quoted: string): Buffer {
  if (!quoted.includes('\\')) return Buffer.from(quoted);
  const parts: Buffer[] = [];
  let at = 0;
  for (const match of quoted.matchAll(escapeSequence)) {
    const [whole, byte, short, long, escape = ''] = match;
    parts.push(Buffer.from(quoted.slice(at, match.index)));
    const code = short ?? long;
    if (byte !== undefined) parts.push(Buffer.of(parseInt(byte, 16)));
    else parts.push(Buffer.from(code === undefined ? (characters.get(escape) ?? escape) : String.fromCodePoint(parseInt(code, 16))));
    at = match.index + whole.length;
  }
  return Buffer.concat([...parts, Buffer.from(quoted.slice(at))]);
}
