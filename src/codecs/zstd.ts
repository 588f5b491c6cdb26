import type { Codec } from './codec.ts';
import { program } from './program.ts';

/** Level 3 on all cores. Every frame carries a checksum of its content (the program's default), so that damage is noticed while decoding. */
export const zstd: Codec = {
  name: 'zstd',
  extension: '.zst',
  encode: (signal) => program('zstd', ['-3', '-T0', '-B1MiB', '-q', '-c'], { signal }),
  decode: (signal) => program('zstd', ['-d', '-q', '-c'], { signal }),
};
