import type { Context } from '../context.ts';
import { AbsentPath, DavitError, exitCodes, factOf } from '../model/errors.ts';
import type { Depth } from '../model/share.ts';
import { type Artifact, artifactId, type Manifest } from '../model/snapshot.ts';
import type { Flaw } from '../repository/repository.ts';
import { partOf } from './find.ts';

/** Throws when anything that the manifest names is absent or of another size. */
export async function verify(context: Context, manifest: Manifest): Promise<void> {
  const [problem] = (await verifyAll(context, [manifest], 'sizes')).values();
  if (problem !== undefined) throw problem;
}

/** What is wrong with each of these snapshots; those that are whole are not in it. */
export async function verifyAll(
  { repository, log, signal }: Context,
  manifests: readonly Manifest[],
  depth: Depth,
): Promise<ReadonlyMap<Manifest, DavitError>> {
  const flaws = Map.groupBy(await repository.check(manifests, depth, signal), ({ snapshot }) => snapshot);
  const problems = new Map<Manifest, DavitError>();
  for (const manifest of manifests) {
    const own = flaws.get(manifest.id);
    if (own !== undefined) problems.set(manifest, damaged(manifest, own));
    else log.info({ snapshot: manifest.id, artifacts: manifest.artifacts.length, depth }, 'verified');
  }
  return problems;
}

/**
 * Reads artifacts to their plain bytes, so that a restore touches nothing before it is certain to have all of them: stored whole, decodable with the keys at
 * hand, and what was dumped; and, of a tree, the path that is wanted.
 */
export async function proveReadable(
  { repository, log, signal }: Context,
  manifest: Manifest,
  artifacts: readonly Artifact[],
  path?: string,
): Promise<void> {
  const flaws: Flaw[] = [];
  for (const artifact of artifacts) {
    try {
      await repository.prove(manifest, artifact, artifact.kind === 'files' ? partOf(artifact, path) : undefined, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AbsentPath) throw error;
      // A key that was not given says nothing about the snapshot.
      if (error instanceof DavitError && error.exitCode === exitCodes.configuration) throw error;
      flaws.push({ snapshot: manifest.id, artifact: artifactId(artifact), problem: factOf(error) });
    }
  }
  if (flaws.length > 0) throw damaged(manifest, flaws);
  log.info({ snapshot: manifest.id, artifacts: artifacts.length }, 'everything to be restored was read and is whole');
}

function damaged(manifest: Manifest, flaws: readonly Flaw[]): DavitError {
  return new DavitError({
    where: `snapshot ${manifest.id}`,
    what: `${new Set(flaws.map(({ artifact }) => artifact)).size} of its ${manifest.artifacts.length} artifacts cannot be used`,
    seen: flaws.map(({ artifact, problem }) => `${artifact}: ${problem}`).join('; '),
    fix: 'do not rely on this snapshot: check the storage, run `davit backup` now, and restore from another one (`davit list`)',
  });
}
