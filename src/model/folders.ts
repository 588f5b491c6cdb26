import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './errors.ts';

/**
 * Makes a folder, and what it lies in; resolves with those that were not there, outermost first. Node's own `recursive` goes on for ever where nothing can be
 * made: in a mount whose folder was removed, or in /proc.
 */
export async function makeFolders(path: string, mode?: number): Promise<string[]> {
  try {
    return await makeFolder(path, mode);
  } catch (error) {
    const above = dirname(path);
    if (!hasCode(error, 'ENOENT') || above === path) throw error;
    return [...(await makeFolders(above, mode)), ...(await makeFolder(path, mode))];
  }
}

async function makeFolder(path: string, mode: number | undefined): Promise<string[]> {
  try {
    await mkdir(path, mode);
    return [path];
  } catch (error) {
    // Somebody may have removed it in between.
    const found = await stat(path).catch((absent: unknown) => {
      throw hasCode(error, 'EEXIST') ? absent : error;
    });
    if (found.isDirectory()) return [];
    throw error;
  }
}
