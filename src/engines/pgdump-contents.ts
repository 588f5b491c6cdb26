import { DavitError } from '../model/errors.ts';

/** pg_dump's custom format (archive versions 1.10 to 1.16): header, table of contents, then a block of chunks for every entry that has data. */

const noData = 3;

export interface Entry {
  readonly id: number;
  readonly table: string;
  readonly kind: string;
  readonly copied: boolean;
  readonly hasData: boolean;
  /** Creates the schema that every new database has: up to version 10 always, since then where it was chosen by its name. */
  readonly makesPublic: boolean;
}

export interface Contents {
  readonly intBytes: number;
  readonly compressed: boolean;
  readonly entries: readonly Entry[];
  readonly bytes: number;
}

class TooShort extends Error {}

/** Reads the header and the table of contents; undefined while there are too few bytes. */
export function parseContents(data: Buffer): Contents | undefined {
  let at = 0;
  const byte = (): number => {
    const value = data[at];
    if (value === undefined) throw new TooShort();
    at += 1;
    return value;
  };
  const int = (): number => {
    const sign = byte();
    let value = 0;
    for (let place = 0; place < intBytes; place += 1) value += byte() * 2 ** (8 * place);
    return sign === 0 ? value : -value;
  };
  const text = (): string | undefined => {
    const length = int();
    if (length < 0) return undefined;
    if (at + length > data.length) throw new TooShort();
    at += length;
    return data.toString('utf8', at - length, at);
  };
  let intBytes = 4;

  function entry(minor: number, offsetBytes: number): Entry {
    const id = int();
    int();
    text();
    text();
    const tag = text() ?? '';
    const kind = text() ?? '';
    int();
    const definition = text() ?? '';
    text();
    const copied = (text() ?? '') !== '';
    const namespace = text();
    text();
    if (minor >= 14) text();
    if (minor >= 16) int();
    text();
    text();
    while (text() !== undefined);
    const state = byte();
    for (let place = 0; place < offsetBytes; place += 1) byte();
    return {
      id,
      table: namespace ? `${namespace}.${tag}` : tag,
      kind,
      copied,
      hasData: state !== noData,
      makesPublic: kind === 'SCHEMA' && tag === 'public' && definition.startsWith('CREATE'),
    };
  }

  try {
    const magic = data.toString('latin1', 0, 5);
    at = 5;
    const [major, minor] = [byte(), byte()];
    if (magic !== 'PGDMP' || major !== 1 || minor < 10)
      throw new DavitError({
        where: 'pg_dump',
        what: 'the output is not in the custom format',
        seen: JSON.stringify(data.toString('latin1', 0, 24)),
      });
    byte();
    intBytes = byte();
    const offsetBytes = byte();
    byte();
    const compressed = (minor >= 15 ? byte() : int()) !== 0;
    for (let field = 0; field < 7; field += 1) int();
    for (let field = 0; field < 3; field += 1) text();
    const count = int();
    const entries = Array.from({ length: count }, () => entry(minor, offsetBytes));
    return { intBytes, compressed, entries, bytes: at };
  } catch (error) {
    if (error instanceof TooShort) return undefined;
    throw error;
  }
}
