import type { Context } from '../context.ts';
import { configurationError, DavitError, messageOf } from '../model/errors.ts';
import { type Artifact, artifactId, type Manifest } from '../model/snapshot.ts';
import { restoreCommand } from '../steps/command.ts';
import { discover, type Service, type Stack } from '../steps/discover.ts';
import { serviceOf } from '../steps/dump.ts';
import { endRestore } from '../steps/ending.ts';
import { exportArtifacts } from '../steps/export.ts';
import { restoreFiles } from '../steps/files.ts';
import { chooseArtifacts, findSnapshot, type Part } from '../steps/find.ts';
import { clearHalfRestored, markHalfRestored, partsOf } from '../steps/half-restored.ts';
import { hooksOf, runHook } from '../steps/hooks.ts';
import { closeJournal, openJournal, recover, requireAlone } from '../steps/journal.ts';
import { startForCommands } from '../steps/lifecycle.ts';
import { refuseOtherEngines, restoreDatabases, startDatabases } from '../steps/load.ts';
import { withLock } from '../steps/lock.ts';
import { quiesce, requireStill } from '../steps/quiesce.ts';
import { planRestore, refuseBrokenSet, replacedBy, type RestorePlan } from '../steps/restore-plan.ts';
import { companionsOf } from '../steps/retain.ts';
import { asReplaced, replacedTrees } from '../steps/safety.ts';
import { withoutLogin } from '../steps/servers.ts';
import { removeOrphans } from '../steps/worker.ts';
import { proveReadable } from '../steps/verify.ts';
import { backupSet } from './backup.ts';
import { endedEarly, type Reached } from './half-way.ts';
import { reportHalfRestored } from './killed.ts';
import { describeCompanion } from './snapshots.ts';

export interface RestoreOptions extends Part {
  readonly snapshot: string;
  readonly set?: string | undefined;
  readonly at?: string | undefined;
  readonly fromStack?: string | undefined;
  readonly to?: string | undefined;
  readonly safety: boolean;
  /** false: what is restored stays as it is, stopped, so that somebody can adapt it first. */
  readonly start: boolean;
  readonly allowPartial: boolean;
  /** Asked with the plan before anything is touched. */
  confirm(plan: RestorePlan, manifest: Manifest): Promise<boolean>;
}

export interface RestoreReport {
  readonly manifest: Manifest;
  readonly restored: readonly string[];
  /** Of these, only what lies under it. */
  readonly path: string | undefined;
  readonly safety?: string | undefined;
  /** The stack that it is of, where that was named. */
  readonly fromStack?: string | undefined;
  /** Snapshots of other sets that belong to it, and are not restored by this. */
  readonly companions: readonly Manifest[];
}

/** `davit restore`: the mirror of `davit backup`. */
export async function restore(context: Context, options: RestoreOptions): Promise<RestoreReport> {
  const stack = await discover(context);
  const manifest = await findSnapshot(context, { ...options, stack: options.fromStack ?? stack.name });
  const artifacts = chooseArtifacts(manifest, options);
  const companions = await companionsOf(context, stack, manifest);
  if (options.to !== undefined) {
    await exportArtifacts(context, manifest, artifacts, options.to, options.path);
    return { manifest, restored: artifacts.map(artifactId), path: options.path, fromStack: options.fromStack, companions };
  }
  refuseBrokenSet(manifest, artifacts, options.allowPartial);
  return withLock(stack.name, async () => {
    await removeOrphans(context, stack);
    await recover(context, stack);
    await requireAlone(context, stack);
    const planned = planRestore(stack, manifest, artifacts);
    const plan = options.start ? planned : { ...planned, starting: [] };
    refuseOtherEngines(context, stack, plan.databases);
    await proveReadable(context, manifest, replacedBy(plan), options.path);
    for (const artifact of plan.readOnly)
      context.log.warn({ artifact: artifactId(artifact) }, 'is mounted read-only and stays as it is: restore it with --to');
    for (const artifact of plan.wayless)
      context.log.warn({ artifact: artifactId(artifact) }, 'has no restore command and is left alone: restore it with --to or davit cat');
    if (replacedBy(plan).length === 0)
      throw configurationError({ where: 'restore', what: 'nothing of what was chosen can be replaced here', fix: 'restore it with --to' });
    const isConfirmed = await options.confirm(plan, manifest);
    context.signal.throwIfAborted();
    if (!isConfirmed) throw new DavitError({ where: 'restore', what: 'was not confirmed; nothing was changed' });
    if (!options.safety) await requireServers(context, stack, plan);
    const safety = options.safety ? await saveFirst(context, stack, plan, manifest) : undefined;
    await restoreInto(context, stack, manifest, plan, safety, options);
    return { manifest, restored: replacedBy(plan).map(artifactId), path: options.path, safety, fromStack: options.fromStack, companions };
  });
}

async function restoreInto(
  context: Context,
  stack: Stack,
  manifest: Manifest,
  plan: RestorePlan,
  safety: string | undefined,
  { path, start, fromStack }: RestoreOptions,
): Promise<void> {
  const services = [...new Set(replacedBy(plan).map(({ service }) => service))].map((name) => serviceOf(stack, name));
  const parts = partsOf(manifest, replacedBy(plan), path);
  const { standstills, starting } = plan;
  const journal = { standstills, hooks: [], restore: { snapshot: manifest.id, safety } };
  const note = await openJournal(context, stack, journal);
  let reached: Reached = 'nothing';
  try {
    for (const { service, hook } of hooksOf(services, 'before-restore'))
      if (service.containers[0].state === 'running') await runHook(context, service, hook);
    await quiesce(context, standstills);
    await markHalfRestored(context, stack, { snapshot: manifest.id, fromStack, safety, parts });
    reached = 'something';
    await reportHalfRestored(context, stack);
    await restoreFiles(context, stack, manifest, plan.files, path);
    await restoreDatabases(context, stack, manifest, plan.databases);
    requireStill(planRestore(await discover(context), manifest, plan.chosen).standstills);
    await startForCommands(context, stack, plan.commanded);
    for (const artifact of plan.commands) await restoreCommand(context, serviceOf(stack, artifact.service), manifest, artifact);
  } catch (error) {
    for (const problem of (await closeJournal(context, stack, note, journal)).errors)
      context.log.error({ error: messageOf(problem) }, 'could not be undone');
    throw endedEarly(error, context.signal, reached, safety);
  }
  const ending = {
    since: context.now().toISOString(),
    starting: starting.map(({ name }) => name),
    hooks: start ? services.map(({ name }) => name) : [],
  };
  const last = start ? await openJournal(context, stack, { ...journal, restore: { ...journal.restore, ending } }) : undefined;
  await clearHalfRestored(context, stack, parts);
  await context.docker.remove(note);
  await reportHalfRestored(context, stack);
  if (last === undefined) return context.log.warn({}, 'nothing was started and no after-restore hook ran, as --no-start says');
  await endRestore(context, stack, { standstills, ...ending }, last).catch((error: unknown) => {
    throw endedEarly(error, context.signal, 'everything', safety);
  });
}

export function describeRestore({ manifest, restored, path, safety, fromStack, companions }: RestoreReport): string {
  return [
    `restored from ${manifest.id}${path === undefined ? '' : `, only ${path}`}: ${restored.join(', ')}`,
    ...(safety === undefined ? [] : [`what was there before is snapshot ${safety}`]),
    ...companions.map((companion) => describeCompanion(companion, fromStack)),
  ].join('\n');
}

/** That a server takes neither this password nor a dump of that version is better known before anything is replaced; a safety snapshot asks for itself. */
async function requireServers(context: Context, stack: Stack, { databases }: RestorePlan): Promise<void> {
  const runs = ({ service }: Artifact): boolean => serviceOf(stack, service).containers[0].state === 'running';
  await startDatabases(context, stack, databases.filter(runs));
}

/** What is there now is saved before it is replaced. */
async function saveFirst(context: Context, stack: Stack, plan: RestorePlan, manifest: Manifest): Promise<string | undefined> {
  if (plan.fresh) {
    context.log.info({}, 'nothing to save first: what is restored has never run here');
    return undefined;
  }
  const servers = await startDatabases(context, stack, plan.databases);
  const replaced = replacedBy(plan);
  const adapt = (service: Service): Service =>
    asReplaced(servers.get(service.name)?.byLabels === false ? withoutLogin(service) : service, manifest.set, replaced);
  const trees = replacedTrees(stack, manifest, replaced);
  const saved = await backupSet(context, manifest.set, 'safety', adapt, trees).catch((cause: unknown) => cause);
  const involved = new Set(replaced.map(({ service }) => service));
  const missing =
    saved instanceof Error
      ? [saved.message]
      : (saved as Manifest).failures.filter(({ service }) => involved.has(service)).map(({ error }) => error);
  if (missing.length === 0) return (saved as Manifest).id;
  throw new DavitError(
    {
      where: 'restore',
      what: 'what is there now could not be saved first, so nothing was changed',
      seen: missing.join('; '),
      fix: 'mend that, or say --no-safety to give up what is there now',
    },
    { cause: saved },
  );
}
