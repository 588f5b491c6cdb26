/** The CRC-64 of Redis (Jones, reflected), eight bytes a step. Numbers in JavaScript are exact to 32 bits of an operation, so each half is kept apart. */
const polynomial = 0x95ac9329ac4bc9b5n;
const mask = 0xffffffffn;

const [low, high] = tables();

function tables(): readonly [Uint32Array, Uint32Array] {
  const halves = [new Uint32Array(8 * 256), new Uint32Array(8 * 256)] as const;
  const table = Array.from({ length: 256 }, (_, byte) => {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    return crc;
  });
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = table[byte] ?? 0n;
    for (let step = 0; step < 8; step += 1) {
      halves[0][step * 256 + byte] = Number(crc & mask);
      halves[1][step * 256 + byte] = Number(crc >> 32n);
      crc = (crc >> 8n) ^ (table[Number(crc & 0xffn)] ?? 0n);
    }
  }
  return halves;
}

export interface Crc64 {
  add(data: Buffer): void;
  /** As it would be stored: eight bytes, the lowest first. */
  digest(): Buffer;
}

export function createCrc64(): Crc64 {
  let lo = 0;
  let hi = 0;
  const look = (table: Uint32Array, index: number): number => table[index] as number;
  const mix = (table: Uint32Array, a: number, b: number): number =>
    look(table, 1792 + (a & 255)) ^
    look(table, 1536 + ((a >>> 8) & 255)) ^
    look(table, 1280 + ((a >>> 16) & 255)) ^
    look(table, 1024 + (a >>> 24)) ^
    look(table, 768 + (b & 255)) ^
    look(table, 512 + ((b >>> 8) & 255)) ^
    look(table, 256 + ((b >>> 16) & 255)) ^
    look(table, b >>> 24);

  return {
    add(data) {
      let at = 0;
      for (; at + 8 <= data.length; at += 8) {
        const a = lo ^ word(data, at);
        const b = hi ^ word(data, at + 4);
        lo = mix(low, a, b);
        hi = mix(high, a, b);
      }
      for (; at < data.length; at += 1) {
        const index = (lo ^ (data[at] as number)) & 255;
        lo = look(low, index) ^ ((lo >>> 8) | (hi << 24));
        hi = look(high, index) ^ (hi >>> 8);
      }
    },
    digest() {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32LE(lo | 0, 0);
      bytes.writeInt32LE(hi | 0, 4);
      return bytes;
    },
  };
}

function word(data: Buffer, at: number): number {
  return (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16) | ((data[at + 3] as number) << 24);
}
