import { DavitError } from '../model/errors.ts';
import type { Table } from '../model/snapshot.ts';
import { readFields } from './bson.ts';
import { type Crc64, createCrc64, xz } from './crc64.ts';
import type { Inspector } from './engine.ts';
import { lengthAt, magic, type Namespace, oplog, terminator, toNamespace } from './mongodb-prelude.ts';

/** The documents of one collection, as they come by in several blocks. */
interface Contents {
  readonly crc: Crc64;
  documents: number;
  closed: boolean;
}

/** Proves that every collection that the prelude announces is there and closed, that its checksum is right, and that nothing follows; counts its documents. */
export function createArchiveInspector(where: string): Inspector {
  let carry: Buffer = Buffer.alloc(0);
  let next: 'magic' | 'header' | 'collection' | 'block' | 'document' | 'closing' = 'magic';
  /** Of the document that is going by. */
  let left = 0;
  let name = '';
  let current: Contents | undefined;
  const namespaces: Namespace[] = [];
  const announced = new Set<string>();
  const found = new Map<string, Contents>();
  /** Collections whose number of documents changes when the oplog is replayed; undefined: any may. */
  let changed: Set<string> | undefined = new Set();

  function broken(seen: string): DavitError {
    const gzip = carry[0] === 0x1f && carry[1] === 0x8b;
    return new DavitError({
      where,
      what: 'the dump is not complete',
      seen,
      fix: gzip
        ? 'remove --gzip from label davit.dump.options: Davit compresses by itself'
        : 'look at the log of the database; mongodump was cut off or replaced by something that hides its failure',
    });
  }

  /** A whole document that is not data. */
  function take(document: Buffer): void {
    const fields = readFields(document);
    if (next === 'header') next = 'collection';
    else if (next === 'collection') {
      const namespace = toNamespace(fields);
      namespaces.push(namespace);
      for (const one of namespace.data) announced.add(one);
    } else open(`${String(fields.get('db'))}.${String(fields.get('collection'))}`, fields.get('EOF') === true, fields.get('CRC'));
  }

  function open(namespace: string, ends: boolean, crc: unknown): void {
    if (!announced.has(namespace)) throw broken(`a collection that its beginning does not announce, ${namespace}`);
    current = found.get(namespace) ?? { crc: createCrc64(xz), documents: 0, closed: false };
    found.set(namespace, current);
    name = namespace;
    if (current.closed) throw broken(`more of ${namespace} behind its end`);
    next = ends ? 'closing' : 'document';
    if (!ends) return;
    if (current.crc.value() !== crc) throw broken(`the checksum of ${namespace} is wrong`);
    current.closed = true;
  }

  function data(chunk: Buffer, from: number): number {
    const end = Math.min(from + left, chunk.length);
    current?.crc.add(chunk, from, end);
    left -= end - from;
    if (left === 0 && chunk[end - 1] !== 0) throw broken(`a document of ${name} without its end`);
    return end;
  }

  function begin(chunk: Buffer, at: number, length: number): number {
    if (length === terminator) {
      if (next === 'header' || next === 'block') throw broken('the end of a list that has not begun');
      next = 'block';
      return 4;
    }
    if (next === 'closing') throw broken(`more of ${name} behind its end`);
    if (next === 'document' && name !== oplog) {
      left = length;
      if (current !== undefined) current.documents += 1;
      return 0;
    }
    if (chunk.length - at < length) return -1;
    const document = chunk.subarray(at, at + length);
    if (next !== 'document') take(document);
    else {
      current?.crc.add(document, 0, length);
      replayed(document);
    }
    return length;
  }

  /** An entry of the oplog: nothing, a change of one collection, or a command, which may be anything. */
  function replayed(entry: Buffer): void {
    const fields = readFields(entry);
    const operation = fields.get('op');
    if (operation === 'i' || operation === 'u' || operation === 'd') changed?.add(String(fields.get('ns')));
    else if (operation !== 'n') changed = undefined;
  }

  /** Resolves with the number of bytes that are done with. */
  function walk(chunk: Buffer): number {
    let at = 0;
    if (next === 'magic') {
      if (chunk.length < magic.length) return 0;
      if (!chunk.subarray(0, magic.length).equals(magic)) {
        carry = chunk;
        throw broken(`it begins with ${JSON.stringify(chunk.toString('latin1', 0, 24))}`);
      }
      next = 'header';
      at = magic.length;
    }
    for (;;) {
      if (left > 0) at = data(chunk, at);
      const length = left > 0 ? undefined : lengthAt(chunk, at);
      if (length === undefined) return at;
      const bytes = begin(chunk, at, length);
      if (bytes < 0) return at;
      at += bytes;
    }
  }

  return {
    see(chunk) {
      const all = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
      try {
        carry = Buffer.from(all.subarray(walk(all)));
      } catch (error) {
        throw error instanceof RangeError ? broken(error.message) : error;
      }
    },
    conclude() {
      if (next === 'magic' || next === 'header' || next === 'collection') throw broken('it ends before its first collection');
      if (next !== 'block' || carry.length > 0) throw broken(`it ends inside ${name || 'a collection'}`);
      const missing = namespaces.filter((one) => !one.data.some((key) => found.get(key)?.closed));
      if (missing.length > 0)
        throw broken(`${missing.length} of its collections are missing, the first is ${missing[0]?.database}.${missing[0]?.collection}`);
      return namespaces.filter(({ database, collection }) => database !== '' && !collection.startsWith('$')).map(toTable);
    },
  };

  function toTable({ database, collection, countable }: Namespace): Table {
    const key = `${database}.${collection}`;
    return countable && changed !== undefined && !changed.has(key) ? { name: key, rows: found.get(key)?.documents ?? 0 } : { name: key };
  }
}
