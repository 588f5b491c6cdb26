import { DavitError } from '../../model/errors.ts';
import { keySegment } from '../../model/snapshot.ts';
import type { ArtifactName } from '../repository.ts';

/**
 * Where an artifact lies in the snapshot: `db/shop.sql`, `web/files/data`. Of a longer path, what comes after the first part is one name, so that no tree can
 * lie in another.
 */
export function fileName({ service, name, extension }: ArtifactName, isTree: boolean): string {
  const [, folder, rest = '/'] = /^([^/]*)\/+(.*?)\/*$/.exec(name) ?? [];
  const parts = folder === undefined ? [name] : [folder, rest === '' ? '/' : rest];
  const segments = [service, ...parts].map(keySegment);
  if (segments.every((segment) => segment !== '')) return segments.join('/') + (isTree ? '' : `.${extension}`);
  throw new DavitError({
    where: `${service}/${name}`,
    what: 'this name cannot become a file name',
    fix: 'choose one of at least one character',
  });
}
