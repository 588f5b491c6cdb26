import type { Mount } from '../docker/docker.ts';
import type { FilesSource } from '../model/plan.ts';

/**
 * Where files lie, whatever containers call it: the volume or the folder of the host, and the folder in it. Two names of one place are equal, and a folder
 * of the host that is mounted inside another one lies inside it.
 */
export function placeOf({ type, source, subpath }: Pick<Mount, 'type' | 'source' | 'subpath'>, below = ''): string {
  return `${type}:${source.replace(/\/$/, '')}${subpath === undefined ? '' : `/${subpath}`}${below}`;
}

/** The place of a container path that lies in a mount. */
export function placeIn(mount: Pick<Mount, 'type' | 'source' | 'subpath' | 'destination'>, path: string): string {
  const below = mount.destination === '/' ? path : path.slice(mount.destination.length);
  return placeOf(mount, below.replace(/\/$/, ''));
}

/** By path segment: `/data2` is not inside `/data`. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`);
}

/** Who writes the one writes the other. */
export function overlaps(a: string, b: string): boolean {
  return isInside(a, b) || isInside(b, a);
}

/** Which of these places lie inside a tree: each with its container path. */
export function placesInside({ path, mount }: Pick<FilesSource, 'path' | 'mount'>, places: Iterable<string>): Map<string, string> {
  const tree = placeIn(mount, path);
  const root = path === '/' ? '' : path;
  const inside = [...places].filter((place) => place !== tree && isInside(place, tree));
  return new Map(inside.map((place) => [place, `${root}${place.slice(tree.length)}`]));
}

/** The glob of all that is below a folder, whatever characters its path has. */
export function globBelow(path: string): string {
  return `${path.replaceAll(/[^\w/.-]/gu, '\\$&')}/**`;
}
