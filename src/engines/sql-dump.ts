import { DavitError } from '../model/errors.ts';
import type { Inspector } from './engine.ts';

const [newline, quoteMark, backslash, open, backquote, letterV] = [0x0a, 0x27, 0x5c, 0x28, 0x60, 0x56];
const headBytes = 512;
const nothing = Buffer.alloc(0);

/**
 * Counts tables and rows in the text that mysqldump and mariadb-dump write, while it passes. Both escape line breaks inside values, so a line
 * is a line of the statement. MariaDB writes one row a line (counted by its first byte), MySQL a whole INSERT (its values are scanned).
 * Bodies of routines, triggers and events stand between two DELIMITER lines and are skipped: statements in them create and insert nothing.
 * The end marker must be the last line, and a whole one: the tools write it when they have succeeded.
 */
export function createSqlInspector(where: string, endMarker: RegExp): Inspector {
  const tables = new Map<string, number>();
  let carry: Buffer = nothing;
  let place: 'line start' | 'columns' | 'values' | 'rest of line' = 'line start';
  let insertInto = '';
  let inName = false;
  let inString = false;
  let escaped = false;
  let inRoutine = false;
  let lastLine = '';

  function addRows(rows: number): void {
    tables.set(insertInto, (tables.get(insertInto) ?? 0) + rows);
  }

  /** From the start of an INSERT to its word VALUES; names may hold anything, but only between backquotes. */
  function scanColumns(data: Buffer, from: number): number {
    for (let at = from; at < data.length; at += 1) {
      const byte = data[at];
      if (byte === backquote) inName = !inName;
      else if (byte === newline || (byte === letterV && !inName)) {
        place = byte === newline ? 'rest of line' : 'values';
        inName = false;
        return at;
      }
    }
    return data.length;
  }

  function scanValues(data: Buffer, from: number): number {
    let rows = 0;
    let at = from;
    for (; at < data.length; at += 1) {
      const byte = data[at];
      if (escaped) escaped = false;
      else if (inString) {
        if (byte === backslash) escaped = true;
        else if (byte === quoteMark) inString = false;
      } else if (byte === quoteMark) inString = true;
      else if (byte === open) rows += 1;
      else if (byte === newline) break;
    }
    addRows(rows);
    if (at < data.length) place = 'rest of line';
    return at;
  }

  /** From the start of a line that is one row over all such lines that follow: there may be millions. */
  function scanRowLines(data: Buffer, from: number): number {
    let rows = 0;
    let at = from;
    for (; data[at] === open; rows += 1) {
      const end = data.indexOf(newline, at);
      if (end === -1) place = 'rest of line';
      at = end === -1 ? data.length : end + 1;
    }
    addRows(rows);
    return at;
  }

  /** Returns false when more bytes are needed to tell what the line is. */
  function beginLine(data: Buffer, at: number): boolean {
    const end = data.indexOf(newline, at);
    if (end === -1 && data.length - at < headBytes) return false;
    place = 'rest of line';
    const head = data.toString('utf8', at, Math.min(end === -1 ? data.length : end, at + headBytes));
    insertInto = '';
    if (head.startsWith('DELIMITER ')) inRoutine = head.trim() !== 'DELIMITER ;';
    if (inRoutine) return true;
    if (head !== '') lastLine = head;
    const created = nameAfter('CREATE TABLE ', head) ?? nameAfter('CREATE TABLE IF NOT EXISTS ', head);
    if (created !== undefined) tables.set(created, 0);
    insertInto = nameAfter('INSERT INTO ', head) ?? nameAfter('INSERT IGNORE INTO ', head) ?? '';
    if (insertInto !== '') place = 'columns';
    return true;
  }

  return {
    see(chunk) {
      const data = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
      carry = nothing;
      let at = 0;
      while (at < data.length) {
        if (place === 'columns') at = scanColumns(data, at);
        else if (place === 'values') at = scanValues(data, at);
        else if (place === 'rest of line') {
          const end = data.indexOf(newline, at);
          if (end === -1) return;
          at = end + 1;
          place = 'line start';
        } else if (insertInto !== '' && data[at] === open) at = scanRowLines(data, at);
        else if (!beginLine(data, at)) {
          carry = Buffer.from(data.subarray(at));
          return;
        }
      }
    },
    conclude() {
      if (carry.length > 0) lastLine = carry.toString('utf8');
      const isWhole = place === 'line start' && carry.length === 0 && !inRoutine;
      if (!isWhole || !endMarker.test(lastLine)) {
        throw new DavitError({
          where,
          what: 'the dump has no end marker, so it is not complete',
          seen: `it ends with "${lastLine.slice(0, 80)}"`,
          fix: 'look at the log of the database; its dump tool was cut off or replaced by something that hides its failure',
        });
      }
      return [...tables].map(([name, rows]) => ({ name, rows }));
    },
  };
}

/** The backquoted name that follows a statement's first words. */
function nameAfter(words: string, line: string): string | undefined {
  if (!line.startsWith(`${words}\``)) return undefined;
  return /^`((?:[^`]|``)+)`/.exec(line.slice(words.length))?.[1]?.replaceAll('``', '`');
}
