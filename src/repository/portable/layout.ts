import { keySegment, snapshotIdPattern } from '../../model/snapshot.ts';
import { DavitError } from '../../model/errors.ts';
import type { ArtifactName, SnapshotAddress } from '../repository.ts';

/** `<stack>/<set>/<id>/<service>/<artifact>.<ext>[.zst][.age]`, and `manifest.json` beside the services. */
export const manifestName = 'manifest.json';

export function stackPrefix(stack: string, set?: string): string {
  return [stack, ...(set === undefined ? [] : [set])].map(keySegment).join('/');
}

export function snapshotPrefix({ stack, set, id }: SnapshotAddress): string {
  return `${stackPrefix(stack, set)}/${keySegment(id)}`;
}

export function manifestKey(address: SnapshotAddress): string {
  return `${snapshotPrefix(address)}/${manifestName}`;
}

/** S3's keys have 1024 bytes. */
const longestFile = 700;

/** Relative to the snapshot. A name may hold `/` (`files/var/www`): each part becomes a segment of its own. */
export function fileName({ service, name, extension }: ArtifactName, codecExtensions: readonly string[]): string {
  const parts = name.split('/').filter((part) => part !== '');
  const segments = [service, ...parts].map(keySegment);
  const file = `${segments.join('/')}.${extension}${codecExtensions.join('')}`;
  if (parts.length === 0 || file.length > longestFile) {
    throw new DavitError({
      where: `${service}/${name}`,
      what: 'this name cannot become a file name',
      fix: 'choose one of at least one character, or a path that is less deep',
    });
  }
  return file;
}

/** The address that a key belongs to; undefined when the key does not follow the layout. */
export function addressOf(key: string): (SnapshotAddress & { readonly file: string }) | undefined {
  const [stack, set, id, ...rest] = key.split('/');
  if (stack === undefined || set === undefined || id === undefined || rest.length === 0 || !snapshotIdPattern.test(id)) return undefined;
  try {
    return { stack: decodeURIComponent(stack), set: decodeURIComponent(set), id, file: rest.join('/') };
  } catch {
    return undefined;
  }
}
