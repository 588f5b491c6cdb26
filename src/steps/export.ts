import { createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Context } from '../context.ts';
import { configurationError } from '../model/errors.ts';
import { type Artifact, artifactId, keySegment, type Manifest } from '../model/snapshot.ts';

/** Writes artifacts into a folder instead of the stack: trees unpacked, dumps as the plain files that the database's own client reads. */
export async function exportArtifacts(
  context: Context,
  manifest: Manifest,
  artifacts: readonly Artifact[],
  folder: string,
  path?: string,
): Promise<void> {
  for (const artifact of artifacts) {
    const target = join(folder, keySegment(artifact.service), ...artifact.name.split('/').map(keySegment));
    if (artifact.kind === 'files') await exportTree(context, manifest, artifact, target, path);
    else await exportFile(context, manifest, artifact, `${target}.${artifact.extension}`);
    context.log.info({ artifact: artifactId(artifact), to: target }, 'restored');
  }
}

async function exportTree(
  context: Context,
  manifest: Manifest,
  artifact: Artifact,
  target: string,
  path: string | undefined,
): Promise<void> {
  if (!(await isMountPoint(target))) {
    await mkdir(target, { recursive: true });
    if ((await readdir(target)).length > 0)
      throw configurationError({ where: '--to', what: 'the folder is not empty', seen: target, fix: 'name an empty or a new one' });
  }
  await context.repository.extract(
    manifest,
    artifact,
    target,
    path === undefined ? undefined : relative(artifact.path ?? '/', path),
    context.signal,
  );
}

/** A file that is mounted into a tree is an empty one in the tree itself. */
async function isMountPoint(target: string): Promise<boolean> {
  const found = await stat(target).catch(() => undefined);
  return found?.isFile() === true && found.size === 0;
}

/** Never replaces a file. */
async function exportFile(context: Context, manifest: Manifest, artifact: Artifact, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const source = await context.repository.read(manifest, artifact, context.signal);
  await pipeline(source, createWriteStream(target, { flags: 'wx', mode: 0o600 }), { signal: context.signal });
}
