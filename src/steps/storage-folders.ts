import { type Environment, locationsOf } from '../config/environment.ts';
import type { Container, Mount } from '../docker/docker.ts';
import { configurationError, type DavitError } from '../model/errors.ts';
import { isInside, placeIn } from './places.ts';

/** The folders that hold snapshots, where a storage is a directory. */
export function storageFolders(environment: Environment): string[] {
  return Object.values(locationsOf(environment)).flatMap((location) => {
    const { protocol, pathname } = new URL(location);
    return protocol.endsWith('file:') ? [decodeURIComponent(pathname)] : [];
  });
}

/** The volume or bind mount of a container that a path lies in. */
export function mountAround({ mounts }: Container, path: string): (Mount & { readonly type: 'volume' | 'bind' }) | undefined {
  const [mount] = mounts
    .filter(({ destination }) => isInside(path, destination))
    .toSorted((a, b) => b.destination.length - a.destination.length);
  return mount?.type === 'volume' || mount?.type === 'bind' ? { ...mount, type: mount.type } : undefined;
}

/** Where snapshots lie on this machine. */
export function storagePlaces(own: Container, environment: Environment): Set<string> {
  return new Set(
    storageFolders(environment).flatMap((folder) => {
      const mount = mountAround(own, folder);
      return mount === undefined ? [] : [placeIn(mount, folder)];
    }),
  );
}

/** Snapshots in the container's own layer would vanish with the container. */
export function requireMount(own: Container, folder: string): NonNullable<ReturnType<typeof mountAround>> {
  const mount = mountAround(own, folder);
  if (mount !== undefined) return mount;
  throw unmounted(folder);
}

/** What `requireMount` would throw, for every folder that holds snapshots. */
export function unmountedFolders(own: Container, environment: Environment): DavitError[] {
  return storageFolders(environment)
    .filter((folder) => mountAround(own, folder) === undefined)
    .map(unmounted);
}

function unmounted(folder: string): DavitError {
  return configurationError({
    where: 'storage',
    what: `${folder} is in no volume of Davit's container, so snapshots would vanish with it`,
    fix: `mount a volume: \`volumes: ["backups:${folder}"]\`, or set DAVIT_STORAGE`,
  });
}
