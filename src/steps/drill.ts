import type { Context } from '../context.ts';
import { type Drilled, drilledSchema, type DrillReport } from '../model/drill.ts';
import { DavitError, exitCodes, messageOf } from '../model/errors.ts';
import type { Manifest } from '../model/snapshot.ts';
import type { Stack } from './discover.ts';
import { planDrill } from './drill-plan.ts';
import { drillServer } from './drill-servers.ts';
import { tried } from './drilled.ts';
import type { Place } from './files.ts';
import { drillRoot, inWorker, workerScratch } from './worker.ts';

/** A real restore of everything in a snapshot, into containers and volumes that are thrown away. The stack is only looked at. Apps are not started. */
export async function drillSnapshot(outer: Context, stack: Stack, manifest: Manifest): Promise<DrillReport> {
  const context = { ...outer, log: marked(outer.log, { drill: manifest.id }) };
  const { now, signal, repository } = context;
  const startedAt = now();
  const { servers, places, outputs } = planDrill(manifest.artifacts);
  const artifacts: Drilled[] = [];
  for (const server of servers) artifacts.push(...(await drillServer(context, stack, manifest, server)));
  for (const place of places) artifacts.push(...(await drillPlace(context, stack, manifest, place)));
  for (const output of outputs)
    artifacts.push(
      await tried(output, 'read', signal, async () => {
        for await (const _ of await repository.read(manifest, output, signal));
        return { note: 'read back whole; the command that restores it needs its app, which a drill does not start' };
      }),
    );
  for (const { artifact, error } of artifacts) if (error !== undefined) context.log.error({ artifact, error }, 'could not be restored');
  const ms = now().getTime() - startedAt.getTime();
  return { set: manifest.set, snapshot: manifest.id, startedAt: startedAt.toISOString(), ms, artifacts };
}

/** A tree with its SQLite databases, in a worker that holds none of the stack's volumes. */
async function drillPlace(context: Context, stack: Stack, manifest: Manifest, { path, tree, databases }: Place): Promise<Drilled[]> {
  const job = { kind: 'drill' as const, manifest, databases: [...databases], root: drillRoot, path, scratch: workerScratch };
  try {
    return drilledSchema.array().parse(await inWorker(context, stack, undefined, tree === undefined ? job : { ...job, artifact: tree }));
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof DavitError) || error.exitCode === exitCodes.configuration) throw error;
    const all = [...(tree === undefined ? [] : [tree]), ...databases];
    return Promise.all(all.map((artifact) => tried(artifact, 'unpacked', context.signal, () => Promise.reject(error), messageOf)));
  }
}

/** Lines of a drill must not look like those of a restore. */
function marked(log: Context['log'], mark: object): Context['log'] {
  return {
    debug: (fields, message) => log.debug({ ...mark, ...fields }, message),
    info: (fields, message) => log.info({ ...mark, ...fields }, message),
    warn: (fields, message) => log.warn({ ...mark, ...fields }, message),
    error: (fields, message) => log.error({ ...mark, ...fields }, message),
  };
}
