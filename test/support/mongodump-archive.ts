/** Archives as mongodump would write them, for what the test server cannot hold: views, time series, an oplog. */

type Value = string | number | bigint | boolean | readonly number[];
export type Fields = Readonly<Record<string, Value>>;

const end = Buffer.from([0xff, 0xff, 0xff, 0xff]);

export function bson(fields: Fields): Buffer {
  const parts = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([typeOf(value)]), Buffer.from(`${name}\0`), bytesOf(value)]),
  );
  const body = Buffer.concat([...parts, Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
}

function typeOf(value: Value): number {
  if (typeof value === 'string') return 0x02;
  if (typeof value === 'boolean') return 0x08;
  if (typeof value === 'bigint') return 0x12;
  return typeof value === 'number' ? 0x10 : 0x04;
}

function bytesOf(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([int32(Buffer.byteLength(value) + 1), Buffer.from(`${value}\0`)]);
  if (typeof value === 'boolean') return Buffer.from([Number(value)]);
  if (typeof value === 'number') return int32(value);
  if (typeof value !== 'bigint') return bson(Object.fromEntries(value.map((one, index) => [String(index), one])));
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Bit by bit, as the definition has it. */
export function crc64(data: Buffer): bigint {
  let crc = 0xffff_ffff_ffff_ffffn;
  for (const byte of data) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0xc96c_5795_d787_0f42n : crc >> 1n;
  }
  return crc ^ 0xffff_ffff_ffff_ffffn;
}

/** The four bytes at the start, the header, and what the archive announces. */
export function prelude(collections: readonly Fields[]): Buffer {
  const header = bson({ concurrent_collections: 4, version: '0.1', server_version: '8.0.4', tool_version: '100.14.1' });
  return Buffer.concat([Buffer.from('6de29981', 'hex'), header, ...collections.map(bson), end]);
}

export function block(db: string, collection: string, documents: readonly Buffer[]): Buffer {
  return Buffer.concat([bson({ db, collection, EOF: false, CRC: 0n }), ...documents, end]);
}

export function closing(db: string, collection: string, documents: readonly Buffer[]): Buffer {
  return Buffer.concat([bson({ db, collection, EOF: true, CRC: crc64(Buffer.concat([...documents])) }), end]);
}

/** A collection with its documents in one block. */
export function collection(db: string, name: string, ...documents: readonly Fields[]): Buffer {
  const data = documents.map(bson);
  return Buffer.concat([block(db, name, data), closing(db, name, data)]);
}
