import { chown, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whose everything shall be that is stored in a folder, where that is not whoever stores it: of a worker, which is root, when Davit is not. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Makes a folder and what it lies in. */
export async function makeFolder(path: string, owner: Owner | undefined): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (owner === undefined || first === undefined) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) await chown(folder, owner.uid, owner.gid);
}
