import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, and what it lies in; resolves with those that were not there, outermost first. Node's own `recursive` goes on for ever where nothing can be
 * made: in a mount whose folder was removed, or in /proc.
 */
export async function makeFolders(path: string, mode?: number): Promise<string[]> {
  try {
    return await makeFolder(path, mode);
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    return [...(await makeFolders(above, mode)), ...(await makeFolder(path, mode))];
  }
}

async function makeFolder(path: string, mode: number | undefined): Promise<string[]> {
  try {
    await mkdir(path, mode);
    return [path];
  } catch (error) {
    const isThere = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isThere) return [];
    throw error;
  }
}
