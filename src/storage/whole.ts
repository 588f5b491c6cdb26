import { Readable } from 'node:stream';

/** A stream of bytes that all lie in memory, with their hash: a storage may take them at once instead of reading and hashing them. */
export class Whole extends Readable {
  readonly bytes: Buffer;
  readonly sha256: string;

  constructor(bytes: Buffer, sha256: string) {
    super({
      read() {
        this.push(bytes);
        this.push(null);
      },
    });
    this.bytes = bytes;
    this.sha256 = sha256;
  }
}
