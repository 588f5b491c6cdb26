import { DavitError } from '../../model/errors.ts';
import { keySegment } from '../../model/snapshot.ts';
import type { ArtifactName } from '../repository.ts';
import { sha256 } from './crypto.ts';

/**
 * Where an artifact lies in the snapshot: `db/shop.sql`, `web/files/data`. Of a longer path, what comes after the first part is one name, so that no tree can
 * lie in another.
 */
export function fileName({ service, name, extension }: ArtifactName, isTree: boolean): string {
  const [, folder, rest = '/'] = /^([^/]*)\/+(.*?)\/*$/.exec(name) ?? [];
  const parts = folder === undefined ? [name] : [folder, rest === '' ? '/' : rest];
  const segments = [service, ...parts].map(keySegment).map((segment) => (segment.length <= longestName ? segment : shortened(segment)));
  if (segments.every((segment) => segment !== '')) return segments.join('/') + (isTree ? '' : `.${extension}`);
  throw new DavitError({
    where: `${service}/${name}`,
    what: 'this name cannot become a file name',
    fix: 'choose one of at least one character',
  });
}

/** A file name holds 255 bytes, of which the extension takes some. */
const longestName = 200;

function shortened(segment: string): string {
  return `${segment.slice(0, longestName - 17)}~${sha256(Buffer.from(segment)).slice(0, 16)}`;
}
