import { randomBytes } from 'node:crypto';
import { locationsOf, storageVariable } from '../config/environment.ts';
import type { Context } from '../context.ts';
import { DavitError, messageOf } from '../model/errors.ts';
import { emptyServers } from '../model/emptiness.ts';
import { losses } from '../model/losses.ts';
import type { Plan } from '../model/plan.ts';
import { type Artifact, type Failure, isGood, type Manifest, newestFirst, snapshotId, storedBytes } from '../model/snapshot.ts';
import type { SnapshotAddress, SnapshotWriter } from '../repository/repository.ts';
import { requireMount, storageFolders } from './storage-folders.ts';
import { type Service, settingsOf, type Stack } from './discover.ts';
import { unlessStopped } from './stopping.ts';
import { writerMark } from './writer-mark.ts';

/** One execution for one set: what it is about to store, and what has happened so far. */
export interface Run {
  readonly stack: Stack;
  readonly plan: Plan;
  readonly address: SnapshotAddress;
  readonly reason: Manifest['reason'];
  readonly startedAt: Date;
  readonly sequence: number;
  /** Whether all storages could be read; otherwise nobody knows what there is. */
  readonly surveyed: boolean;
  /** The last good snapshot of the set, which this one is compared with. */
  readonly previous: Manifest | undefined;
  readonly writer: SnapshotWriter;
  readonly artifacts: Artifact[];
  readonly failures: Failure[];
  readonly warnings: string[];
  readonly downtimeMs: Record<string, number>;
}

const foreignWriterMs = 24 * 3_600_000;

/** Clears what killed runs of this Davit left behind, then begins a snapshot. */
export async function openRun(context: Context, stack: Stack, plan: Plan, reason: Manifest['reason']): Promise<Run> {
  const { repository, log } = context;
  for (const folder of storageFolders(context.environment)) requireMount(stack.own, folder);
  const { storage } = settingsOf(stack, plan.set);
  if (repository.isLocal(storage)) {
    const variable = storage === undefined ? 'DAVIT_STORAGE' : storageVariable(storage);
    log.warn(
      { storage: locationsOf(context.environment)[storage ?? ''] },
      `snapshots are kept on this machine only: set ${variable} to an S3 bucket to survive its loss`,
    );
  }
  const startedAt = context.now();
  const id = snapshotId(startedAt, `${writerMark(stack.own)}${randomBytes(1).toString('hex')}`);
  const swept = await unlessStopped(
    context,
    repository.sweep(stack.name, (other, since) => isDead(stack, other, since, startedAt)),
  );
  if (swept > 0) log.info({ objects: swept }, 'removed what an interrupted run had left');

  const { manifests, damaged, unread } = await unlessStopped(context, repository.listReachable(stack.name, plan.set));
  for (const error of unread) log.warn({ error: messageOf(error) }, 'a storage cannot be read, so retention removes nothing');
  for (const problem of damaged) log.warn({ problem }, 'damaged manifest');
  const [newest] = manifests.toSorted(newestFirst);
  // The number of this snapshot may be that of an older one, which would then be `latest`.
  if (unread.length > 0 && (newest === undefined || newest.storage !== storage)) throw unread[0];
  const warnings = [...plan.warnings];
  if (newest !== undefined && Date.parse(newest.startedAt) > startedAt.getTime()) {
    warnings.push(`the clock of this machine is wrong: the last snapshot ${newest.id} is from the future`);
  }
  const failures = plan.problems.map(({ service, error }) => ({ service, error: error.message }));
  for (const { service, error } of failures) log.error({ service, error }, 'not captured');
  const address = { stack: stack.name, set: plan.set, id, ...(storage === undefined ? {} : { storage }) };
  const writer = await unlessStopped(context, repository.begin(address));
  warnings.push(...writer.warnings);
  for (const warning of warnings) log.warn({ set: plan.set }, warning);
  return {
    stack,
    plan,
    address,
    reason,
    startedAt,
    surveyed: unread.length === 0,
    sequence: (newest?.sequence ?? 0) + 1,
    previous: reason === 'backup' ? manifests.filter(isGood).toSorted(newestFirst)[0] : undefined,
    writer,
    artifacts: [],
    failures,
    warnings,
    downtimeMs: {},
  };
}

/**
 * Tells which half-made snapshots are dead: no two runs of one Davit overlap, so its own are; those of another one may be alive
 * on another machine and are left alone for a day. The mark in the id says who wrote it.
 */
function isDead(stack: Stack, id: string, since: Date, now: Date): boolean {
  return id.slice(-6, -2) === writerMark(stack.own) || now.getTime() - since.getTime() > foreignWriterMs;
}

/** Runs one part of the capture; a failure is recorded against its service and the others go on. A stop of Davit itself ends everything. */
export async function attempt(
  context: Context,
  run: Run,
  what: { service: string; source?: string },
  part: () => Promise<void>,
): Promise<void> {
  try {
    await part();
  } catch (error) {
    context.signal.throwIfAborted();
    run.failures.push({ ...what, error: messageOf(error) });
    context.log.error(
      {
        ...what,
        error: messageOf(error),
        ...(error instanceof DavitError ? {} : { stack: error instanceof Error ? error.stack : undefined }),
      },
      'failed',
    );
  }
}

/** Writes the manifest: from here on the snapshot exists. Nothing stored at all is a failure, not a snapshot. */
export async function commit(context: Context, run: Run): Promise<Manifest> {
  if (run.artifacts.length === 0) {
    throw new DavitError({
      where: `set "${run.plan.set}"`,
      what: run.failures.length === 0 ? 'there is nothing to capture' : 'nothing could be captured',
      seen: run.failures.map(({ error }) => error).join('; ') || undefined,
      fix: 'run `davit plan` to see every service and why it is left out',
    });
  }
  const lost = [...losses(run.previous, run.artifacts, run.failures), ...emptyServers(run.artifacts, run.failures)];
  for (const warning of lost) context.log.warn({ set: run.plan.set }, warning);
  const manifest: Manifest = withoutSecrets(context, {
    version: 1,
    ...run.address,
    sequence: run.sequence,
    status: run.failures.length === 0 ? 'complete' : 'incomplete',
    reason: run.reason,
    startedAt: run.startedAt.toISOString(),
    endedAt: context.now().toISOString(),
    skewMs: skew(run.artifacts),
    downtimeMs: run.downtimeMs,
    davit: context.version,
    artifacts: run.artifacts.toSorted((a, b) => `${a.service}/${a.name}`.localeCompare(`${b.service}/${b.name}`)),
    failures: run.failures,
    warnings: [
      ...run.warnings,
      ...lost,
      ...run.artifacts.flatMap((artifact) =>
        (artifact.warnings ?? []).map((warning) => `${artifact.service}/${artifact.name}: ${warning}`),
      ),
    ],
  });
  await run.writer.commit(manifest, context.signal);
  context.log.info(
    {
      snapshot: manifest.id,
      set: manifest.set,
      status: manifest.status,
      artifacts: manifest.artifacts.length,
      bytes: storedBytes(manifest),
    },
    'snapshot stored',
  );
  return manifest;
}

/** What programs of the stack have said may hold a secret of theirs, and a manifest is not encrypted. */
function withoutSecrets({ redactor: { redact } }: Context, manifest: Manifest): Manifest {
  return {
    ...manifest,
    artifacts: manifest.artifacts.map(({ warnings, ...artifact }) =>
      warnings === undefined ? artifact : { ...artifact, warnings: warnings.map(redact) },
    ),
    failures: manifest.failures.map((failure) => ({ ...failure, error: redact(failure.error) })),
    warnings: manifest.warnings.map(redact),
  };
}

function skew(artifacts: readonly Artifact[]): number {
  const starts = artifacts.filter(({ kind }) => kind === 'database' || kind === 'command').map(({ startedAt }) => Date.parse(startedAt));
  return starts.length === 0 ? 0 : Math.max(...starts) - Math.min(...starts);
}

/** What the manifest says of a service's image. */
export function imageOf({ containers: [container] }: Service): Pick<Artifact, 'image' | 'imageDigest'> {
  return { image: container.image, imageDigest: container.imageId };
}
