import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import picomatch from 'picomatch';
import { isInside } from './places.ts';

/** Globs of container paths. */
export interface Globs {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** `enter`: a folder that is kept and whose entries are decided one by one; `keep` and `leave` hold for everything below. */
export type Decision = 'keep' | 'leave' | 'enter';

/** Whether one of the globs means this container path; no globs mean none. */
export function createMatcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  return picomatch(
    globs.map((glob) => withoutGroups(glob).replace(/\/\*\*$/, '/**/*')),
    { dot: true },
  );
}

/** The folder that everything a glob means lies in. */
export function baseOf(glob: string): string {
  return picomatch.scan(glob, { unescape: true }).base;
}

/** Names such as `photos (old)` are more common than what parentheses mean in some shells. */
function withoutGroups(glob: string): string {
  return glob.replaceAll(/(?<!\\)[()|]/g, '\\$&');
}

/**
 * Decides about container paths from the top down; `kept` says that a folder above was included.
 * A pattern that ends in `/**` means what is below a folder, not the folder.
 */
export function createSelection({
  include,
  exclude,
}: Globs): (path: string, folder: boolean, kept: boolean) => { decision: Decision; kept: boolean } {
  const isExcluded = createMatcher(exclude);
  const isIncluded = createMatcher(include);
  const bases = include.map(baseOf);
  const leadsToIncluded = (path: string): boolean => bases.some((base) => isInside(base, path) || isInside(path, base));

  return (path, folder, keptAbove) => {
    if (isExcluded(path)) return { decision: 'leave', kept: false };
    const kept = keptAbove || include.length === 0 || isIncluded(path);
    if (!kept) return { decision: folder && leadsToIncluded(path) ? 'enter' : 'leave', kept };
    return { decision: folder && exclude.length > 0 ? 'enter' : 'keep', kept };
  };
}

/** A tree may lie in a folder that is included as a whole, or be that folder. */
export function isKeptFromAbove(path: string, decide: ReturnType<typeof createSelection>): boolean {
  return downTo(path).some((folder) => decide(folder, true, false).kept);
}

/** Why nothing of a tree is wanted: a glob means the path of a volume, of a file that is mounted by itself, or of a folder that either is mounted in. */
export function leftOut({ path, exclude }: { readonly path: string } & Pick<Globs, 'exclude'>): string | undefined {
  return downTo(path).some(createMatcher(exclude)) ? 'left out by davit.files.exclude' : undefined;
}

/** A path, and every folder that it lies in. */
function downTo(path: string): string[] {
  return path.split('/').map((_, index, segments) => segments.slice(0, index + 1).join('/') || '/');
}

/**
 * The paths below `root`, relative to it, that a tree with these globs leaves out. `path` is where the tree lies in its own container. `see` hears of every
 * regular file that is not left out, and of folders that cannot be entered because they vanished or have names that are no text.
 */
export async function exclusions(root: string, path: string, globs: Globs, see?: (relative: string) => void): Promise<string[]> {
  const left: string[] = [];
  const decide = createSelection(globs);
  if (globs.include.length > 0 || globs.exclude.length > 0 || see !== undefined) await walk('', isKeptFromAbove(path, decide));
  return left;

  async function walk(relative: string, keptAbove: boolean): Promise<void> {
    const folder = await opendir(join(root, relative)).catch((error: NodeJS.ErrnoException) => {
      if (relative === '' || error.code !== 'ENOENT') throw error;
      see?.(relative);
    });
    for await (const entry of folder ?? []) {
      const below = join(relative, entry.name);
      const { decision, kept } = decide(join(path, below), entry.isDirectory(), keptAbove);
      if (decision === 'leave') left.push(below);
      else if (entry.isDirectory() && (decision === 'enter' || see !== undefined)) await walk(below, kept);
      else if (entry.isFile()) see?.(below);
    }
  }
}

/** Whether anything but folders remains of a tree without the paths that are left out. A folder that cannot be entered, as one whose name is no text, is something. */
export async function holdsAnything(root: string, left: ReadonlySet<string>, relative = ''): Promise<boolean> {
  const folder = await opendir(join(root, relative)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  for await (const entry of folder ?? []) {
    const below = join(relative, entry.name);
    if (!left.has(below) && (!entry.isDirectory() || (await holdsAnything(root, left, below)))) return true;
  }
  return folder === undefined;
}
