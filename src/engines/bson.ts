/** What is read of a BSON document: its own texts, numbers and truths. Everything else is passed over. */
export type Fields = ReadonlyMap<string, string | number | bigint | boolean>;

/** The smallest document: its length and its end. */
export const smallestDocument = 5;

/** Throws a RangeError when the bytes are no document. */
export function readFields(document: Buffer): Fields {
  const fields = new Map<string, string | number | bigint | boolean>();
  let at = 4;
  const name = (): string => {
    const end = document.indexOf(0, at);
    if (end === -1) throw new RangeError('a name without an end');
    const text = document.toString('utf8', at, end);
    at = end + 1;
    return text;
  };
  const length = (): number => document.readInt32LE(at);
  for (let type = document.readUInt8(at++); type !== 0; type = document.readUInt8(at++)) {
    const key = name();
    if (type === 0x02) fields.set(key, document.toString('utf8', at + 4, at + 4 + length() - 1));
    else if (type === 0x08) fields.set(key, document.readUInt8(at) !== 0);
    else if (type === 0x10) fields.set(key, document.readInt32LE(at));
    else if (type === 0x12) fields.set(key, document.readBigUInt64LE(at));
    if (type === 0x0b) {
      name();
      name();
    } else at += bytesOf(type, length);
  }
  if (at !== document.length) throw new RangeError('bytes behind its end');
  return fields;
}

function bytesOf(type: number, length: () => number): number {
  switch (type) {
    case 0x06: // undefined
    case 0x0a: // null
    case 0x7f: // largest and smallest key
    case 0xff:
      return 0;
    case 0x08: // boolean
      return 1;
    case 0x10: // 32-bit number
      return 4;
    case 0x01: // double, date, timestamp, 64-bit number
    case 0x09:
    case 0x11:
    case 0x12:
      return 8;
    case 0x07: // object id
      return 12;
    case 0x13: // decimal
      return 16;
    case 0x02: // texts
    case 0x0d:
    case 0x0e:
      return 4 + length();
    case 0x05: // bytes
      return 5 + length();
    case 0x0c: // reference
      return 16 + length();
    case 0x03: // document, array, code with scope
    case 0x04:
    case 0x0f:
      return length();
    default:
      throw new RangeError(`an unknown type ${type}`);
  }
}
