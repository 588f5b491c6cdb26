import { DavitError } from '../model/errors.ts';
import { type Fields, readFields, smallestDocument } from './bson.ts';

/**
 * The archive of mongodump: four magic bytes, a prelude (a header, then one document a collection), then blocks. A block is a header that names
 * a collection and documents of it; a header with EOF closes a collection and carries its checksum. Every list of documents ends with `ff ff ff ff`.
 */
export const magic = Buffer.from('6de29981', 'hex');
export const terminator = 0xff_ff_ff_ff;
/** MongoDB's limit of 16 MiB and what the oplog may add. */
const largestDocument = 17 * 1024 * 1024;

/** One collection, view or special list that the prelude announces. */
export interface Namespace {
  readonly database: string;
  readonly collection: string;
  /** Names under which its documents come: those of a time series may lie in a collection of buckets. */
  readonly data: readonly string[];
  /** False where the server's count says something else than the number of documents in the archive, or may change by itself (time to live). */
  readonly countable: boolean;
}

export interface Prelude {
  readonly server: string;
  readonly tool: string;
  readonly namespaces: readonly Namespace[];
}

export const oplog = '.oplog';

/** Bytes of the document that begins here; `terminator` for the end of a list; undefined while there are too few bytes. */
export function lengthAt(data: Buffer, at: number): number | undefined {
  if (data.length - at < 4) return undefined;
  const length = data.readUInt32LE(at);
  if (length === terminator || (length >= smallestDocument && length <= largestDocument)) return length;
  throw new RangeError(`${length} bytes are no length of a document`);
}

export function toNamespace(fields: Fields): Namespace {
  const [database, collection] = [String(fields.get('db') ?? ''), String(fields.get('collection') ?? '')];
  const [type, metadata] = [fields.get('type') ?? '', String(fields.get('metadata') ?? '')];
  const name = `${database}.${collection}`;
  const special = collection.startsWith('$admin.') || collection.startsWith('system.') || database === 'config';
  return {
    database,
    collection,
    data: type === 'timeseries' ? [name, `${database}.system.buckets.${collection}`] : [name],
    countable:
      !special && type !== 'view' && type !== 'timeseries' && !metadata.includes('"viewOn"') && !metadata.includes('"expireAfterSeconds"'),
  };
}

/** Reads as much of the prelude as there is: the beginning of an archive is enough to tell what a server holds. */
export function readPrelude(archive: Buffer): Prelude & { readonly whole: boolean } {
  if (!archive.subarray(0, 4).equals(magic))
    throw new DavitError({
      where: 'mongodump',
      what: 'the output is no archive',
      seen: JSON.stringify(archive.toString('latin1', 0, 24)),
    });
  const documents: Fields[] = [];
  let whole = false;
  for (let at = 4; !whole;) {
    const length = lengthAt(archive, at);
    whole = length === terminator;
    if (length === undefined || whole || archive.length - at < length) break;
    documents.push(readFields(archive.subarray(at, at + length)));
    at += length;
  }
  const [header, ...collections] = documents;
  return {
    server: String(header?.get('server_version') ?? ''),
    tool: `mongodump ${String(header?.get('tool_version') ?? '')}`,
    namespaces: collections.map(toNamespace),
    whole,
  };
}
