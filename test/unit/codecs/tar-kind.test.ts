import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { isOneFile } from '../../../src/codecs/tar-kind.ts';

/** What is looked at of a header: the kind, and the size of what follows. */
function header(kind: string, size = 0): Buffer {
  const block = Buffer.alloc(512);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write(kind, 156);
  return block;
}

const extended = Buffer.concat([header('g', 700), Buffer.alloc(1024, '5'), header('x', 512), Buffer.alloc(512, '5')]);

test.each([
  ['5', false],
  ['0', true],
  ['\0', true],
])('a tar whose first thing is of kind %j, behind headers that say more of it, in pieces of any size', async (kind, expected) => {
  const tar = Buffer.concat([extended, header(kind, 3), Buffer.alloc(2048)]);
  for (const pieceBytes of [1, 511, 512, 513, tar.length]) {
    const pieces = Array.from({ length: Math.ceil(tar.length / pieceBytes) }, (_, n) => tar.subarray(n * pieceBytes, (n + 1) * pieceBytes));
    expect(await isOneFile(Readable.from(pieces))).toBe(expected);
  }
});
