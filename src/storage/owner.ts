import { chown, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../model/errors.ts';
import { makeFolders } from '../model/folders.ts';

const attemptsToCreate = 100;

/** Whose everything shall be that is stored, where that is not whoever stores it: of a worker, which is root, when Davit is not. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A new file, in a folder that is made when it is not there. */
export async function createFile(path: string, owner: Owner | undefined): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await makeFolders(dirname(path), 0o700);
      if (owner !== undefined) for (const folder of made) await chown(folder, owner.uid, owner.gid);
      return await open(path, 'wx', 0o600);
    } catch (error) {
      // A removal next door may prune a folder while it is still empty.
      if (!hasCode(error, 'ENOENT') || attempt === attemptsToCreate) throw error;
    }
  }
}
