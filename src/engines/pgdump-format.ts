import { DavitError } from '../model/errors.ts';
import type { Table } from '../model/snapshot.ts';
import type { Inspector } from './engine.ts';
import { type Contents, parseContents } from './pgdump-contents.ts';

const dataBlock = 1;
const objectsBlock = 3;
const newline = 0x0a;
/** pg_dump ends the rows of a table with `\.` and two empty lines. */
const closingLines = 3;

/** Proves that every entry that should have data has it, whole, and that nothing follows; counts the rows on the way. `options`: those of a person. */
export function createPgDumpInspector(where: string, options: readonly string[] = []): Inspector {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  /** The table of contents is read again from its start only when twice as much of it is there: it may be hundreds of megabytes. */
  let enoughBytes = 0;
  let contents: Contents | undefined;
  let carry: Buffer = Buffer.alloc(0);
  const lines = new Map<number, number>();
  const expected = new Set<number>();
  const finished = new Set<number>();
  /** What the next bytes are. In a large-objects block, every object is a run of chunks of its own. */
  let next: 'block' | 'chunk' | 'object' = 'block';
  let block = 0;
  let objects = false;
  let left = 0;

  function incomplete(seen: string): DavitError {
    return new DavitError({
      where,
      what: 'the dump is not complete',
      seen,
      fix: 'look at the log of the database; pg_dump was cut off or replaced by something that hides its failure',
    });
  }

  function readInt(data: Buffer, at: number, intBytes: number): number {
    const value = data.readUIntLE(at + 1, Math.min(intBytes, 6));
    return data[at] === 0 ? value : -value;
  }

  function take(data: Buffer, from: number): number {
    let rows = 0;
    const end = Math.min(from + left, data.length);
    if (!objects)
      for (let at = data.indexOf(newline, from); at !== -1 && at < end; at = at + 1 < end ? data.indexOf(newline, at + 1) : -1) rows += 1;
    if (rows > 0) lines.set(block, (lines.get(block) ?? 0) + rows);
    left -= end - from;
    return end;
  }

  function walk(data: Buffer, intBytes: number): number {
    let at = 0;
    for (;;) {
      if (left > 0) {
        at = take(data, at);
        if (left > 0) return at;
      }
      const header = next === 'block' ? 2 + intBytes : 1 + intBytes;
      if (data.length - at < header) return at;
      if (next === 'block') {
        const type = data[at];
        block = readInt(data, at + 1, intBytes);
        if (type !== dataBlock && type !== objectsBlock) throw incomplete(`an unknown block of type ${type}`);
        if (!expected.has(block) || finished.has(block))
          throw incomplete(`data that its table of contents does not announce, entry ${block}`);
        objects = type === objectsBlock;
        next = objects ? 'object' : 'chunk';
      } else if (next === 'object') {
        if (readInt(data, at, intBytes) === 0) endBlock();
        else next = 'chunk';
      } else {
        left = readInt(data, at, intBytes);
        if (left < 0) throw incomplete('a chunk of negative length');
        if (left === 0 && objects) next = 'object';
        else if (left === 0) endBlock();
      }
      at += header;
    }
  }

  function endBlock(): void {
    finished.add(block);
    next = 'block';
  }

  return {
    see(chunk) {
      if (contents !== undefined) return step(chunk, contents.intBytes);
      pending.push(Buffer.from(chunk));
      pendingBytes += chunk.length;
      if (pendingBytes >= enoughBytes) readContents();
    },
    conclude() {
      if (contents === undefined) readContents();
      if (contents === undefined) throw incomplete('it ends inside its table of contents');
      const missing = contents.entries.filter((entry) => entry.hasData && !finished.has(entry.id));
      if (missing.length > 0) throw incomplete(`${missing.length} of its tables have no data, the first is ${missing[0]?.table}`);
      if (next !== 'block' || carry.length > 0) throw incomplete('it ends inside a table');
      const chosen = options.find((option) => /^(-n|--schema(?!-))/.test(option));
      if (chosen !== undefined && contents.entries.some(({ makesPublic }) => makesPublic))
        throw new DavitError({
          where,
          what: 'the dump makes the schema public, which every new database has already, so that no restore could load it',
          seen: chosen,
          fix: 'name the schemas to leave out instead, in davit.dump.options: --exclude-schema=…',
        });
      return tables(contents, lines);
    },
  };

  function readContents(): void {
    const data = Buffer.concat(pending);
    contents = parseContents(data);
    pending = contents === undefined ? [data] : [];
    enoughBytes = data.length * 2;
    if (contents === undefined) return;
    for (const { id, hasData } of contents.entries) if (hasData) expected.add(id);
    step(data.subarray(contents.bytes), contents.intBytes);
  }

  function step(chunk: Buffer, intBytes: number): void {
    const data = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    carry = Buffer.from(data.subarray(walk(data, intBytes)));
  }
}

function tables({ entries, compressed }: Contents, lines: ReadonlyMap<number, number>): Table[] {
  const data = new Map(
    entries.filter((entry) => entry.kind === 'TABLE DATA' && entry.copied && !compressed).map((entry) => [entry.table, entry.id]),
  );
  return entries
    .filter((entry) => entry.kind === 'TABLE')
    .map(({ table }) => {
      const id = data.get(table);
      return id === undefined ? { name: table } : { name: table, rows: Math.max((lines.get(id) ?? 0) - closingLines, 0) };
    });
}
