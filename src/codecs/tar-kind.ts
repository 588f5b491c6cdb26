import type { Readable } from 'node:stream';

const blockBytes = 512;

/** Whether a tar begins with something else than the folder that holds the rest. */
export async function isOneFile(tar: Readable): Promise<boolean> {
  let seen = Buffer.alloc(0);
  for await (const chunk of tar) {
    seen = Buffer.concat([seen, chunk as Buffer]);
    while (seen.length >= blockBytes) {
      const kind = String.fromCodePoint(seen[156] ?? 0);
      // Headers of headers come first.
      if (!'xg'.includes(kind)) return kind !== '5';
      const size = Number.parseInt(seen.toString('latin1', 124, 136), 8);
      const end = blockBytes + Math.ceil(size / blockBytes) * blockBytes;
      if (seen.length < end) break;
      seen = seen.subarray(end);
    }
  }
  return false;
}
