import { DavitError } from '../model/errors.ts';
import { createCrc64, jones } from './crc64.ts';
import type { Inspector } from './engine.ts';
import { createKeyCounter } from './rdb-keys.ts';

/** `REDIS0011`, and from Valkey 9 on `VALKEY080`. */
const magic = /^(REDIS\d{4}|VALKEY\d{3})$/;
const magicBytes = 9;
const checksumBytes = 8;
/** `--rdb` to stdout leaves the random mark behind the file that told it where the transfer ends. Every reader stops before it. */
const markBytes = 40;
const tailBytes = checksumBytes + markBytes;
const endOfFile = 0xff;

/** Proves that an RDB file is whole by the checksum over all of it, and counts its keys. */
export function createRdbInspector(where: string): Inspector {
  const crc = createCrc64(jones);
  const counter = createKeyCounter(magicBytes);
  let head = '';
  let tail: Buffer = Buffer.alloc(0);
  let lastByte = -1;

  function sum(data: Buffer): void {
    crc.add(data);
    lastByte = data.at(-1) ?? lastByte;
  }

  /** The stored checksum when the file ends here. */
  function ending(stored: Buffer, before: number): 'whole' | 'without checksum' | undefined {
    if (before !== endOfFile) return undefined;
    if (stored.readBigUInt64LE() === crc.value()) return 'whole';
    return stored.equals(Buffer.alloc(checksumBytes)) ? 'without checksum' : undefined;
  }

  function verdict(): ReturnType<typeof ending> {
    if (tail.length < tailBytes) return undefined;
    const marked = /^[0-9a-f]{40}$/.test(tail.toString('latin1', checksumBytes))
      ? ending(tail.subarray(0, checksumBytes), lastByte)
      : undefined;
    if (marked !== undefined) return marked;
    sum(tail.subarray(0, markBytes));
    return ending(tail.subarray(markBytes), lastByte);
  }

  return {
    see(chunk) {
      if (head.length < magicBytes) head += chunk.toString('latin1', 0, magicBytes - head.length);
      counter.see(chunk);
      const held = chunk.length >= tailBytes ? [tail, chunk] : [Buffer.concat([tail, chunk])];
      for (const data of held.slice(0, -1)) sum(data);
      const last = held.at(-1) as Buffer;
      const from = Math.max(0, last.length - tailBytes);
      sum(last.subarray(0, from));
      tail = Buffer.from(last.subarray(from));
    },
    conclude() {
      const found = magic.test(head) ? verdict() : undefined;
      if (found === 'whole') return counter.conclude([checksumBytes, tailBytes]);
      if (found === 'without checksum') {
        throw new DavitError({
          where,
          what: 'the server writes its dumps without a checksum, so none can be proven whole',
          fix: 'start it with --rdbchecksum yes',
        });
      }
      throw new DavitError({
        where,
        what: magic.test(head) ? 'the dump is not complete' : 'the dump is no RDB file',
        seen: magic.test(head) ? 'its end and its checksum are missing or wrong' : `it begins with "${head}"`,
        fix: 'look at the log of the database',
      });
    },
  };
}
