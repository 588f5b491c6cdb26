import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import type { Mount } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { FilesSource } from '../model/plan.ts';
import { type Artifact, artifactId, type Manifest } from '../model/snapshot.ts';
import type { EarlierTree } from '../repository/repository.ts';
import type { Stack } from './discover.ts';
import { serviceOf } from './dump.ts';
import { databasesOf, partOf, treeOf } from './find.ts';
import { type CaptureResult, captureResult, captureTree, extractTree, type Job } from './job.ts';
import { attempt, imageOf, type Run } from './run.ts';
import { globBelow, isInside, placeOf, placesInside } from './places.ts';
import { isAlmighty } from './privileges.ts';
import { storagePlaces } from './storage-folders.ts';
import { inWorker, workerRoot, workerScratch } from './worker.ts';

/** Archives every file tree of the set, one after another: they share disks and cores. */
export async function captureFiles(context: Context, run: Run, ahead: ReadonlyMap<FilesSource, EarlierTree>): Promise<void> {
  for (const source of run.plan.sources) {
    if (source.kind === 'files')
      await attempt(context, run, { service: source.service, source: source.name }, () =>
        captureOne(context, run, source, ahead.get(source)),
      );
  }
}

/** Reads a tree as it is now, into the snapshot. */
export async function readTree(
  context: Context,
  run: Run,
  { service, name, path, mount, include, exclude, sqlite }: FilesSource,
  how: { readonly ahead?: boolean; readonly since?: EarlierTree },
): Promise<CaptureResult> {
  const job = {
    kind: 'capture' as const,
    address: run.address,
    artifact: { service, name, extension: 'tar' },
    path,
    include: [...include],
    exclude: [...exclude],
    sqlite: typeof sqlite === 'string' ? sqlite : [...sqlite],
    ...how,
  };
  return captureResult.parse(await where(context, run.stack, mount, path, ({ root, scratch }) => ({ ...job, root, scratch })));
}

async function captureOne(context: Context, run: Run, source: FilesSource, since: EarlierTree | undefined): Promise<void> {
  const { service, name, path, mount, include, exclude } = source;
  const startedAt = context.now();
  const artifact = { service, name, extension: 'tar' };
  const { tree, databases, failures, warnings } = await readTree(context, run, source, since === undefined ? {} : { since });
  const endedAt = context.now();
  const image = imageOf(serviceOf(run.stack, service));
  for (const database of databases) {
    run.artifacts.push({ ...database, service, mount, ...image });
    const { plain, stored, tables } = database;
    context.log.info(
      { source: artifactId({ service, ...database }), tables: tables?.length, bytes: plain.bytes, stored: stored.bytes },
      'dumped',
    );
    for (const warning of database.warnings ?? []) context.log.warn({ source: artifactId({ service, ...database }) }, warning);
  }
  for (const failure of failures) {
    run.failures.push({ service, ...failure });
    context.log.error({ service, ...failure }, 'failed');
  }
  for (const warning of warnings) context.log.warn({ source: artifactId(source) }, warning);
  if (tree === undefined) return void run.warnings.push(...warnings.map((warning) => `${artifactId(source)}: ${warning}`));
  context.log.info(
    { source: artifactId(source), bytes: tree.plain.bytes, stored: tree.stored.bytes, ms: endedAt.getTime() - startedAt.getTime() },
    'archived',
  );
  run.artifacts.push({
    ...tree,
    ...artifact,
    kind: 'files',
    engine: 'files',
    path,
    mount,
    ...(include.length > 0 ? { include: [...include] } : {}),
    ...(exclude.length > 0 ? { exclude: [...exclude] } : {}),
    ...image,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    ...(warnings.length > 0 ? { warnings } : {}),
  });
}

/** What goes back into one volume together: a tree with the SQLite databases that were taken out of it, or databases alone. */
export interface Place {
  readonly service: string;
  readonly path: string;
  readonly mount: Artifact['mount'];
  readonly tree?: Artifact;
  readonly databases: readonly Artifact[];
}

export function placesOf(artifacts: readonly Artifact[]): Place[] {
  const trees = artifacts.filter(({ kind }) => kind === 'files');
  const alone = artifacts.filter((artifact) => artifact.kind === 'sqlite' && treeOf(artifacts, artifact) === undefined);
  return [
    ...trees.map((tree) => ({
      service: tree.service,
      path: tree.path ?? '/',
      mount: tree.mount,
      tree,
      databases: databasesOf(artifacts, tree),
    })),
    ...[...Map.groupBy(alone, ({ service, mount }) => `${service}:${mount?.destination ?? '/'}`).values()].flatMap((databases) =>
      databases.slice(0, 1).map(({ service, mount }) => ({ service, path: mount?.destination ?? '/', mount, databases })),
    ),
  ];
}

/**
 * Puts trees and databases back into the volumes that their services have there now, which need not have the names they had. `only`: a container path
 * inside the tree.
 */
export async function restoreFiles(
  context: Context,
  stack: Stack,
  manifest: Manifest,
  artifacts: readonly Artifact[],
  only?: string,
): Promise<void> {
  for (const { service, path, mount: recorded, tree, databases } of placesOf(artifacts)) {
    const startedAt = context.now();
    const mount = currentMount(stack, service, recorded?.destination ?? path);
    const snapshots = [...placesInside({ path, mount }, storagePlaces(stack.own, context.environment)).values()];
    const inside = tree === undefined ? undefined : partOf(tree, only);
    const job = {
      kind: 'extract' as const,
      manifest,
      ...(tree === undefined ? {} : { artifact: tree }),
      databases: [...databases],
      path,
      include: tree?.include ?? [],
      exclude: [...(tree?.exclude ?? []), ...snapshots.map(globBelow)],
      ...(inside === undefined ? {} : { only: inside }),
    };
    await where(context, stack, mount, path, ({ root }) => ({ ...job, root }));
    const ms = context.now().getTime() - startedAt.getTime();
    for (const artifact of [...(tree === undefined ? [] : [tree]), ...databases])
      context.log.info({ artifact: artifactId(artifact), path: only ?? artifact.path, bytes: artifact.plain.bytes, ms }, 'restored');
  }
}

/** Does the job here when the volume is mounted into this container, otherwise in a worker. */
async function where(
  context: Context,
  stack: Stack,
  mount: FilesSource['mount'],
  path: string,
  jobAt: (place: { root: string; scratch: string }) => Job,
): Promise<unknown> {
  const below = path.slice(mount.destination === '/' ? 0 : mount.destination.length);
  const here = !isAlmighty() ? undefined : stack.own.mounts.find((own) => placeOf(own) === placeOf(mount));
  const root = `${here?.destination ?? ''}${below}`;
  // A volume that is mounted in it for Davit is not of this tree.
  const isCovered = stack.own.mounts.some((own) => own !== here && isInside(own.destination, root));
  const scratch = join(tmpdir(), 'davit-sqlite', stack.name);
  const local = here === undefined || isCovered ? undefined : jobAt({ root, scratch });
  if (local?.kind === 'capture') return captureTree(context.repository, local, context.signal);
  if (local?.kind === 'extract' && here?.writable === true) return extractTree(context.repository, local, context.signal);
  const { subpath, ...whole } = mount;
  const job = jobAt({ root: `${workerRoot}${below}`, scratch: workerScratch });
  if (job.kind !== 'extract' || subpath === undefined) return inWorker(context, stack, mount, job);
  // Docker mounts no folder of a volume that is not there yet.
  return inWorker(context, stack, whole, { ...job, root: `${workerRoot}/${subpath}${below}` });
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
