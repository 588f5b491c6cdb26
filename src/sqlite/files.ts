import { closeSync, constants, openSync, readSync } from 'node:fs';

/** What SQLite keeps beside a database: committed rows that are not in it yet, their index, and what undoes a broken-off change. */
export const companions = ['-wal', '-shm', '-journal'] as const;

const magic = Buffer.from('SQLite format 3\0');
const versionOfWal = 2;

/** By its first bytes; `undefined`: it could not be opened. */
export function isDatabase(file: string): boolean | undefined {
  return head(file)?.subarray(0, magic.length).equals(magic);
}

/** Whether its latest rows may stand in a log beside it. */
export function usesWal(file: string): boolean {
  return head(file)?.[18] === versionOfWal;
}

const bytes = Buffer.alloc(20);

/** Blocks for some microseconds; asking asynchronously takes ten times as long, for each file of a tree. */
function head(file: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
