import { configurationError, type DavitError } from '../model/errors.ts';
import type { FilesSource } from '../model/plan.ts';
import type { Service } from './discover.ts';
import { placeOf } from './places.ts';

/**
 * A volume that several services archive is stored once. Where their globs do not leave out the same, nothing is left out: what one of them
 * does not want, another may need. Undefined: they agree.
 */
export function widen(source: FilesSource, other: FilesSource): { source: FilesSource; warning: string } | undefined {
  if (scopeOf(source) === scopeOf(other)) return undefined;
  return {
    source: { ...source, include: [], exclude: [] },
    warning:
      `service "${other.service}": ${other.path} is the same volume as ${source.path} of "${source.service}", and their davit.files.include and ` +
      `davit.files.exclude differ: all of it is archived — write the same globs for both, or davit.files=none for one of them`,
  };
}

/** Globs as seen from the volume, because each service may have it at another path. */
function scopeOf({ include, exclude, mount: { destination } }: FilesSource): string {
  const root = destination === '/' ? '' : destination;
  const below = (glob: string): string => {
    if (glob.startsWith('/**/')) return glob;
    return glob === destination || glob.startsWith(`${root}/`) ? glob.slice(root.length) : `${destination}:${glob}`;
  };
  return JSON.stringify([include, exclude].map((globs) => globs.map(below).toSorted()));
}

/** Only the first container's volumes are archived, which is wrong where the others have their own. */
export function separateVolumes(service: Service, { path, mount }: FilesSource): DavitError | undefined {
  const [first, ...others] = service.containers;
  const separate = others.filter(({ mounts }) =>
    mounts.some((one) => one.destination === mount.destination && placeOf(one) !== placeOf(mount)),
  );
  if (separate.length === 0) return undefined;
  return configurationError({
    where: `service "${service.name}"`,
    what: `each of its containers has a volume of its own at ${path}, and only that of "${first.name}" is archived`,
    seen: `not archived: ${separate.map(({ name }) => name).join(', ')}`,
    fix: 'mount one named volume there, which they share, or leave the path out of davit.files',
  });
}
