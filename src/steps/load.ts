import type { Context } from '../context.ts';
import type { Target } from '../engines/engine.ts';
import { configurationError, messageOf } from '../model/errors.ts';
import { type Artifact, artifactId, type Manifest } from '../model/snapshot.ts';
import type { Stack } from './discover.ts';
import { engineOf, restoreDatabase, serviceOf } from './dump.ts';
import { startDatabase, type StartedDatabase } from './lifecycle.ts';
import { configuredEngine } from './servers.ts';

/** Loads databases and accounts into their servers, which are started for it. */
export async function restoreDatabases(context: Context, stack: Stack, manifest: Manifest, artifacts: readonly Artifact[]): Promise<void> {
  const servers = await startDatabases(context, stack, artifacts);
  const load = async (artifact: Artifact): Promise<string> => {
    const server = servers.get(artifact.service);
    if (server === undefined) throw new Error(`the server of ${artifactId(artifact)} was not started`);
    return restoreDatabase(context, server.target, manifest, artifact);
  };
  const [lacking] = await loadInTurns(artifacts, async (artifact) => {
    try {
      await load(artifact);
    } catch (error) {
      if (!isLacking(artifact, error)) throw error;
      context.log.info(
        { artifact: artifactId(artifact), error: messageOf(error) },
        'needs another database, trying again after the others',
      );
      return error;
    }
  });
  if (lacking !== undefined) throw lacking;
  for (const artifact of artifacts) {
    if (artifact.kind !== 'accounts' || !engineOf(context, artifact.engine).grantsObjects) continue;
    const said = await load(artifact);
    if (said !== '') context.log.warn({ artifact: artifactId(artifact), said }, 'grants on what is not there were passed over');
  }
}

/** The servers of these artifacts, each started, by service. */
export async function startDatabases(
  context: Context,
  stack: Stack,
  artifacts: readonly Artifact[],
): Promise<Map<string, StartedDatabase>> {
  const servers = new Map<string, StartedDatabase>();
  for (const artifact of artifacts) {
    if (servers.has(artifact.service)) continue;
    const server = await startDatabase(context, serviceOf(stack, artifact.service), engineOf(context, artifact.engine));
    await requireVersion(context, server.target, artifact);
    servers.set(artifact.service, server);
  }
  return servers;
}

/** A server that cannot read the dump would only find out half-way. */
export async function requireVersion(
  context: Context,
  target: Target,
  { service, engine: name, server: dumped, image }: Artifact,
): Promise<void> {
  const engine = engineOf(context, name);
  if (engine.canLoad === undefined || dumped === undefined) return;
  const { exitCode, stdout } = await context.docker.run(target.container.id, engine.inventory(target), {
    timeoutMs: 30_000,
    signal: context.signal,
  });
  const server = exitCode === 0 ? engine.readInventory(stdout).server : dumped;
  if (engine.canLoad(dumped, server)) return;
  throw configurationError({
    where: `service "${service}"`,
    what: `its server cannot load what the newer one of the snapshot has dumped`,
    seen: `${server} instead of ${dumped}`,
    fix: `give the service the image of the snapshot${image === undefined ? '' : `, ${image},`} or a newer one, with an empty volume`,
  });
}

/** What is one kind of server now takes no dump of another. */
export function refuseOtherEngines({ engines }: Context, stack: Stack, artifacts: readonly Artifact[]): void {
  for (const { service: name, engine, image } of artifacts) {
    const service = serviceOf(stack, name);
    const present = configuredEngine(engines, service);
    if (present === undefined || present.name === engine) continue;
    throw configurationError({
      where: `service "${name}"`,
      what: `is a ${present.name} server, and the snapshot has a dump of ${engine} for it`,
      seen: service.containers[0].image,
      fix: `give the service the image of the snapshot${image === undefined ? '' : `, ${image}`}, or restore into a folder with --to`,
    });
  }
}

/** What a view or a foreign key names is in another database, or is still as it was before the restore: numbers of MySQL and MariaDB. */
const needsAnother = /ERROR (1005|1049|1146|1215|1305|1356|3780) /;

function isLacking({ kind }: Artifact, error: unknown): boolean {
  return kind === 'database' && needsAnother.test(messageOf(error));
}

/**
 * Loads one after another, and those again that lacked another database, as long as that helps: nothing tells which one has to come first, and
 * two may need each other. `load` resolves with what went wrong. Resolves with what is lacking to the end.
 */
export async function loadInTurns(
  artifacts: readonly Artifact[],
  load: (artifact: Artifact) => Promise<unknown>,
): Promise<readonly unknown[]> {
  for (let waiting = artifacts; ;) {
    const lacking = new Map<Artifact, unknown>();
    for (const artifact of waiting) {
      const error = await load(artifact);
      if (isLacking(artifact, error)) lacking.set(artifact, error);
    }
    if (lacking.size === waiting.length) return [...lacking.values()];
    waiting = [...lacking.keys()];
  }
}
