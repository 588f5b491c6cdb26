import { opendir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Repository } from '../repository/repository.ts';
import { artifactSchema, manifestSchema, storedSchema } from '../model/snapshot.ts';
import { exclusions } from './selection.ts';

/** The part of a run that happens where the files are: in this process when the volume is mounted here, otherwise in a worker. */

const globs = { include: z.array(z.string()), exclude: z.array(z.string()) };

const capture = z.object({
  kind: z.literal('capture'),
  address: z.object({ stack: z.string(), set: z.string(), id: z.string(), storage: z.string().optional() }),
  artifact: z.object({ service: z.string(), name: z.string(), extension: z.string() }),
  /** Where the tree is in the file system of whoever does the job, and where it is in its own container. */
  root: z.string(),
  path: z.string(),
  ...globs,
});
export type Capture = z.infer<typeof capture>;

const extract = z.object({
  kind: z.literal('extract'),
  manifest: manifestSchema,
  artifact: artifactSchema,
  root: z.string(),
  path: z.string(),
  /** Only this file or folder, relative to the tree. */
  only: z.string().optional(),
  ...globs,
});
export type Extract = z.infer<typeof extract>;

export const jobSchema = z.discriminatedUnion('kind', [capture, extract]);
export type Job = z.infer<typeof jobSchema>;

export const captureResult = storedSchema.extend({ warnings: z.array(z.string()) });
export type CaptureResult = z.infer<typeof captureResult>;

export async function captureTree(repository: Repository, job: Capture, signal: AbortSignal): Promise<CaptureResult> {
  const isFolder = (await stat(job.root)).isDirectory();
  const tree = isFolder
    ? { root: job.root, exclude: await exclusions(job.root, job.path, job) }
    : { root: job.root, exclude: [], file: basename(job.path) };
  await using writer = await repository.begin(job.address);
  return await writer.putTree(job.artifact, tree, signal);
}

/** Makes the tree what the snapshot holds: what was in its scope goes, what was left out of the snapshot stays. */
export async function extractTree(repository: Repository, job: Extract, signal: AbortSignal): Promise<void> {
  if (!(await stat(job.root)).isDirectory()) return repository.extract(job.manifest, job.artifact, job.root, undefined, signal);
  if (job.only === undefined) await clear(job.root, await exclusions(job.root, job.path, job));
  else await rm(join(job.root, job.only), { recursive: true, force: true });
  await repository.extract(job.manifest, job.artifact, job.root, job.only, signal);
}

async function clear(root: string, keep: readonly string[]): Promise<void> {
  for await (const entry of await opendir(root)) {
    const below = keep.filter((path) => path === entry.name || path.startsWith(`${entry.name}/`));
    if (below.length === 0) await rm(join(root, entry.name), { recursive: true, force: true });
    else if (!below.includes(entry.name))
      await clear(
        join(root, entry.name),
        below.map((path) => path.slice(entry.name.length + 1)),
      );
  }
}
