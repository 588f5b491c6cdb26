import type { Context } from '../context.ts';
import { DavitError } from '../model/errors.ts';
import type { Manifest } from '../model/snapshot.ts';
import type { Flaw } from '../repository/repository.ts';

/** Throws when anything the manifest names is absent or of another size (`sizes`) or differs in any byte (`bytes`). */
export async function verify({ repository, log, signal }: Context, manifest: Manifest, depth: 'sizes' | 'bytes'): Promise<void> {
  const flaws = await repository.check(manifest, depth, signal);
  if (flaws.length > 0) throw damaged(manifest, flaws);
  log.info({ snapshot: manifest.id, artifacts: manifest.artifacts.length, depth }, 'verified');
}

function damaged(manifest: Manifest, flaws: readonly Flaw[]): DavitError {
  return new DavitError({
    where: `snapshot ${manifest.id}`,
    what: `${flaws.length} of its ${manifest.artifacts.length} artifacts are damaged`,
    seen: flaws.map(({ artifact, problem }) => `${artifact}: ${problem}`).join('; '),
    fix: 'do not rely on this snapshot: check the storage, run `davit backup` now, and restore from another one (`davit list`)',
  });
}
