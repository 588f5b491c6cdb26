import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { usesWal } from './files.ts';

const busyMs = 3000;
const tries = 3;
const pagesAtOnce = 4096;
const clockStepMs = 20;

export class Changing extends Error {}

/** Copies a database with everything that is committed in it, whether its app runs, stands still or was killed. Writes nothing beside the source. */
export async function copyDatabase(source: string, target: string): Promise<void> {
  for (let left = tries - 1; ; left -= 1) {
    try {
      if ((await copyLocked(source, target)) || (await copyAtRest(source, target))) return;
      throw new Changing('it was written while it was copied, and no lock was to be had');
    } catch (error) {
      clear(target);
      if (left === 0 || !isPassing(error)) throw error;
    }
    await wait(500);
  }
}

/**
 * With SQLite's own locks: in WAL mode, writers go on meanwhile; otherwise they wait. Says no where there are none to be had: nobody has the database open in
 * WAL mode, or a killed writer left a journal that has to be rolled back first.
 */
async function copyLocked(source: string, target: string): Promise<boolean> {
  // SQLite would make them.
  if (usesWal(source) && !['-wal', '-shm'].every((suffix) => existsSync(`${source}${suffix}`))) return false;
  const location = pathToFileURL(source);
  location.search = '?mode=ro&readonly_shm=1';
  const database = new DatabaseSync(location, { open: false, readOnly: true, timeout: busyMs });
  try {
    database.open();
    // The transaction is one moment: the copy is of it, however long it takes.
    database.exec('BEGIN; PRAGMA user_version');
    if (!isLockReal(source)) return false;
    await backup(database, target, { rate: pagesAtOnce });
    return true;
  } catch (error) {
    if (needsRecovery(error)) return false;
    throw error;
  } finally {
    if (database.isOpen) database.close();
  }
}

/** In WAL mode SQLite also reads without any lock when it finds nobody at work. A lock of ours on this byte of the shared index says that somebody is. */
function isLockReal(source: string): boolean {
  const index = `${basename(source)}-shm`;
  const descriptors = readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return basename(readlinkSync(`/proc/self/fd/${descriptor}`)) === index;
    } catch {
      return false;
    }
  });
  return (
    descriptors.length === 0 ||
    descriptors.some((descriptor) => /^lock:.* 128 128$/m.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')))
  );
}

/** Without locks: the bytes of the database, its log and its journal, which nobody may have touched meanwhile; then what a crash left open is settled in the copy. */
async function copyAtRest(source: string, target: string): Promise<boolean> {
  const before = fingerprint(source);
  // The clock of files moves in steps: from here on, a write shows in their times.
  await wait(clockStepMs);
  for (const suffix of ['', '-wal', '-journal'])
    if (existsSync(`${source}${suffix}`)) await copyFile(`${source}${suffix}`, `${target}${suffix}`);
  if (fingerprint(source) !== before) return false;
  const database = new DatabaseSync(target);
  database.exec('PRAGMA user_version');
  database.close();
  const left = ['-wal', '-journal'].filter((suffix) => existsSync(`${target}${suffix}`) && statSync(`${target}${suffix}`).size > 0);
  if (left.length > 0) throw new Error(`SQLite did not settle ${left.join(' and ')}`);
  return true;
}

function fingerprint(source: string): string {
  return ['', '-wal', '-journal']
    .map((suffix) => {
      const { ino, size, mtimeNs, ctimeNs } = statSync(`${source}${suffix}`, { bigint: true, throwIfNoEntry: false }) ?? {};
      return [ino, size, mtimeNs, ctimeNs].join();
    })
    .join(' ');
}

function clear(target: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${target}${suffix}`, { force: true });
}

/** SQLite's primary result code; 0: the error is not SQLite's. */
export function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
}

const codes = { busy: 5, locked: 6, readonly: 8, cannotOpen: 14, protocol: 15 } as const;

function needsRecovery(error: unknown): boolean {
  return [codes.readonly, codes.cannotOpen].some((code) => code === resultCode(error));
}

export function isLocked(error: unknown): boolean {
  return [codes.busy, codes.locked, codes.protocol].some((code) => code === resultCode(error));
}

function isPassing(error: unknown): boolean {
  return error instanceof Changing || isLocked(error);
}
