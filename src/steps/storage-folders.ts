import { type Environment, locationsOf } from '../config/environment.ts';
import type { Container, Mount } from '../docker/docker.ts';
import { isInside } from './trees.ts';

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
