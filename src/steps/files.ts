import { relative } from 'node:path';
import type { Context } from '../context.ts';
import type { Mount } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { FilesSource } from '../model/plan.ts';
import { type Artifact, artifactId, type Manifest } from '../model/snapshot.ts';
import type { Stack } from './discover.ts';
import { serviceOf } from './dump.ts';
import { captureResult, captureTree, type Extract, extractTree, type Job } from './job.ts';
import { attempt, imageOf, type Run } from './run.ts';
import { volumeIdentity } from './trees.ts';
import { inWorker, workerRoot } from './worker.ts';

/** Archives every file tree of the set, one after another: they share disks and cores. */
export async function captureFiles(context: Context, run: Run): Promise<void> {
  for (const source of run.plan.sources) {
    if (source.kind === 'files')
      await attempt(
        context,
        run,
        { service: source.service, source: source.name },
        async () => void run.artifacts.push(await captureOne(context, run, source)),
      );
  }
}

async function captureOne(context: Context, run: Run, source: FilesSource): Promise<Artifact> {
  const { service, name, path, mount, include, exclude } = source;
  const startedAt = context.now();
  const artifact = { service, name, extension: 'tar' };
  const job = {
    kind: 'capture' as const,
    address: run.address,
    artifact,
    path,
    include: [...include],
    exclude: [...exclude],
  };
  const { warnings, ...stored } = captureResult.parse(await where(context, run.stack, mount, path, (root) => ({ ...job, root })));
  const endedAt = context.now();
  for (const warning of warnings) context.log.warn({ source: artifactId(source) }, warning);
  context.log.info(
    { source: artifactId(source), bytes: stored.plain.bytes, stored: stored.stored.bytes, ms: endedAt.getTime() - startedAt.getTime() },
    'archived',
  );
  return {
    ...stored,
    ...artifact,
    kind: 'files',
    engine: 'files',
    path,
    mount,
    ...(include.length > 0 ? { include: [...include] } : {}),
    ...(exclude.length > 0 ? { exclude: [...exclude] } : {}),
    ...imageOf(serviceOf(run.stack, service)),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/** Puts a tree back into the volume that its service has there now, which need not have the name it had. `only`: a container path inside the tree. */
export async function restoreFiles(context: Context, stack: Stack, manifest: Manifest, artifact: Artifact, only?: string): Promise<void> {
  const startedAt = context.now();
  const { path = '/', mount: recorded } = artifact;
  const mount = currentMount(stack, artifact.service, recorded?.destination ?? path);
  const inside = only === undefined ? '' : relative(path, only);
  const job: Omit<Extract, 'root'> = {
    kind: 'extract',
    manifest,
    artifact,
    path,
    include: artifact.include ?? [],
    exclude: artifact.exclude ?? [],
    ...(inside === '' ? {} : { only: inside }),
  };
  await where(context, stack, mount, path, (root) => ({ ...job, root }));
  context.log.info(
    { artifact: artifactId(artifact), path: only ?? path, bytes: artifact.plain.bytes, ms: context.now().getTime() - startedAt.getTime() },
    'restored',
  );
}

/** Does the job here when the volume is mounted into this container, otherwise in a worker. */
async function where(
  context: Context,
  stack: Stack,
  mount: FilesSource['mount'],
  path: string,
  jobAt: (root: string) => Job,
): Promise<unknown> {
  const below = path.slice(mount.destination === '/' ? 0 : mount.destination.length);
  const here = stack.own.mounts.find((own) => volumeIdentity(own) === volumeIdentity(mount));
  const local = here === undefined ? undefined : jobAt(`${here.destination}${below}`);
  if (local?.kind === 'capture') return captureTree(context.repository, local, context.signal);
  if (local?.kind === 'extract' && here?.writable === true) return extractTree(context.repository, local, context.signal);
  return inWorker(context, stack, mount, jobAt(`${workerRoot}${below}`));
}

/** The volume or bind mount that a service has at this place now. */
export function currentMount(stack: Stack, service: string, destination: string): Mount & FilesSource['mount'] {
  const mount = serviceOf(stack, service).containers[0].mounts.find((one) => one.destination === destination);
  if (mount?.type === 'volume' || mount?.type === 'bind') return { ...mount, type: mount.type };
  throw new DavitError({
    where: `service "${service}"`,
    what: `has no volume at ${destination} now, so its files have no place to go`,
    fix: 'add the volume to the compose file and recreate the service, or restore into a folder with --to',
  });
}
