import type { Context } from '../context.ts';
import type { Database } from '../engines/engine.ts';
import { configurationError } from '../model/errors.ts';
import { byOrder, type DatabaseSource, type FilesSource, type Plan, type Problem, type Skipped, type Source } from '../model/plan.ts';
import { planCommands } from './command-plan.ts';
import type { Service, Stack } from './discover.ts';
import { halfRestored } from './half-restored.ts';
import { overlaps, placeIn, placeOf } from './places.ts';
import { storagePlaces, unmountedFolders } from './storage-folders.ts';
import { dataVolumes, findServers, type Server, targetOf, unrecognised } from './servers.ts';
import { idleSettings, ownName, unknownSets, unknownStorage } from './sets.ts';
import { planTrees } from './trees.ts';

/** What a run of this set would capture, by which command, and why not the rest. Asks the databases, changes nothing. `replaced`: trees that are captured in any case. */
export async function plan(context: Context, stack: Stack, set: string, replaced: readonly FilesSource[] = []): Promise<Plan> {
  const members = stack.services.filter(({ labels }) => labels?.set === set);
  const servers = await findServers(context, stack, members);
  const dumping = servers.filter(({ service }) => members.includes(service) && service.labels?.dump !== 'none');
  const databases = dumping.map((server) => planDatabases(server));
  const databasesOf = (service: string): Set<string> =>
    new Set(databases.flatMap(({ sources }) => sources.filter((source) => source.service === service).map(({ name }) => name)));
  const commands = planCommands(members, databasesOf);
  const saved = new Set(servers.filter(isSaved).map(({ service }) => service.name));
  const trees = planTrees(
    members.toSorted((a, b) => (a.labels?.order ?? 0) - (b.labels?.order ?? 0)),
    { dumped: saved, dataOf: dataVolumes(servers) },
    storagePlaces(stack.own, context.environment),
    replaced,
  );
  const sources = [...databases.flatMap(({ sources }) => sources), ...commands.sources, ...trees.sources].toSorted(byOrder);
  return {
    stack: stack.name,
    set,
    sources,
    dumped: [...dumping, ...servers.filter(({ service }) => isMislabelled(service))].map(({ service }) => service.name),
    skipped: [...databases.flatMap(({ skipped }) => skipped), ...trees.skipped, ...untaken(stack, set)],
    problems: [
      ...databases.flatMap(({ problems }) => problems),
      ...unrecognised(members, servers),
      ...commands.problems,
      ...trees.problems,
      ...wrongLabels(stack, set),
      ...unknownSets(stack, set),
      ...unknownStorage(context, stack, set),
      ...(await halfRestored(
        context,
        stack,
        members.map(({ name }) => name),
      )),
      ...unmountedFolders(stack.own, context.environment).map((error) => ({ service: ownName(stack), error })),
    ],
    warnings: [
      ...databases.flatMap(({ warnings }) => warnings),
      ...trees.warnings,
      ...hotCopies(servers, saved, trees.sources),
      ...passingWriters(stack, members, trees.sources),
      ...idleMembers(members, servers, sources),
      ...idleSettings(stack),
    ],
  };
}

/** Where a service with a wrong label names no set, every set of the stack reports it: it may belong to any. */
function wrongLabels(stack: Stack, set: string): Problem[] {
  return stack.services
    .filter((service) => service.set === undefined || service.set === set)
    .flatMap(({ name, problems }) => problems.map((error) => ({ service: name, error })));
}

/** What it wants cannot be known. */
function isMislabelled({ labels, problems }: Service): boolean {
  return labels === undefined && problems.length > 0;
}

function untaken(stack: Stack, set: string): Skipped[] {
  return stack.services
    .filter((service) => !service.own && service.set !== set && (service.set !== undefined || service.problems.length === 0))
    .map(({ name, set: other, optedOut }) => ({
      service: name,
      what: 'everything',
      why: other !== undefined ? `it belongs to set "${other}"` : optedOut ? 'davit.enable=false' : 'it has no davit label',
    }));
}

function planDatabases({ service, engine, inventory, problem }: Server): {
  sources: DatabaseSource[];
  skipped: Skipped[];
  problems: Problem[];
  warnings: string[];
} {
  if (inventory === undefined)
    return { sources: [], skipped: [], problems: problem === undefined ? [] : [{ service: service.name, error: problem }], warnings: [] };
  const wanted = service.labels?.['dump.databases'] ?? ['*'];
  const isWanted = ({ name }: Database): boolean => wanted.includes('*') || wanted.includes(name);
  const chosen = wanted.includes('*') && inventory.whole !== undefined ? [inventory.whole] : inventory.databases.filter(isWanted);
  const missing = wanted.filter((name) => name !== '*' && !inventory.databases.some((database) => database.name === name));
  const target = targetOf(service);

  const toSource = (database: Database | undefined): DatabaseSource => {
    const { command, extension } = engine.dump(target, database);
    const common = {
      service: service.name,
      order: service.labels?.order ?? 0,
      engine: engine.name,
      extension,
      server: inventory.server,
      tool: inventory.tool,
      command: command.argv.join(' '),
    };
    if (database === undefined) return { ...common, kind: 'accounts', name: engine.accounts ?? '', details: {}, warnings: [] };
    return {
      ...common,
      kind: 'database',
      name: database.name === engine.accounts ? `@${database.name}` : database.name,
      database: database.name,
      details: database.details,
      warnings: database.warnings,
    };
  };
  return {
    sources: [...chosen.map(toSource), ...(engine.accounts !== undefined && inventory.accounts ? [toSource(undefined)] : [])],
    skipped: inventory.databases
      .filter((database) => !isWanted(database))
      .map(({ name }) => ({ service: service.name, what: `database ${name}`, why: 'not in davit.dump.databases' })),
    problems: missing.map((name) => ({
      service: service.name,
      absent: true,
      error: configurationError({
        where: `service "${service.name}"`,
        what: `label davit.dump.databases names a database that does not exist`,
        seen: name,
        fix: `the server has ${inventory.databases.map((database) => database.name).join(', ') || 'none'}`,
      }),
    })),
    warnings: [...inventory.warnings, ...replicas(service), ...restless(service), ...chosen.flatMap(({ warnings }) => warnings)].map(
      (warning) => `service "${service.name}": ${warning}`,
    ),
  };
}

function replicas({ containers: [first, ...others] }: Service): string[] {
  return others.length === 0
    ? []
    : [`only "${first.name}" of its ${others.length + 1} containers is dumped: data that only another one holds are lost`];
}

/** A dump needs a server that runs. */
function restless({ labels }: Service): string[] {
  return labels === undefined || labels.quiesce === 'none'
    ? []
    : [`davit.quiesce=${labels.quiesce} does nothing here: a database is dumped while it runs; label what writes to it`];
}

/** By a dump, in this set or in another one, or by a person's own command: either way, its files are not to be archived beside it. */
function isSaved({ service: { labels } }: Server): boolean {
  return labels !== undefined && (labels.dump !== 'none' || labels.commands.length > 0);
}

function hotCopies(servers: readonly Server[], saved: ReadonlySet<string>, sources: readonly FilesSource[]): string[] {
  const places = [...dataVolumes(servers)].filter(([, owner]) => !saved.has(owner)).map(([place]) => place);
  return sources
    .filter(({ mount, path }) => places.some((place) => overlaps(place, placeIn(mount, path))))
    .map(
      ({ service, path }) =>
        `service "${service}": ${path} holds the files of a database server that is not dumped; unless it is stopped meanwhile, the copy will be torn — label davit.quiesce=stop`,
    );
}

/** Whoever labels a service wants it in the snapshot, unless it is only told to stand still or to run hooks; what an app keeps in no volume is nowhere. */
function idleMembers(members: readonly Service[], servers: readonly Server[], sources: readonly Source[]): string[] {
  const isAsked = ({ labels }: Service): boolean =>
    labels?.files === 'auto' && labels.quiesce === 'none' && labels.hooks.length + labels.commands.length === 0;
  const isCaptured = ({ name, containers: [{ mounts }] }: Service): boolean =>
    sources.some(
      (source) =>
        source.service === name ||
        (source.kind === 'files' && mounts.some((one) => overlaps(placeOf(one), placeIn(source.mount, source.path)))),
    );
  return members
    .filter((service) => isAsked(service) && !isCaptured(service) && !servers.some((server) => server.service === service))
    .map(
      ({ name }) =>
        `service "${name}": takes part, and nothing of it is captured; what an app keeps in no volume is lost with its container — \`davit plan\` tells why of each volume`,
    );
}

/** A service that stands still for its files is no good to them while somebody else writes on. */
function passingWriters({ passing }: Stack, members: readonly Service[], sources: readonly FilesSource[]): string[] {
  const still = new Set(members.filter(({ labels }) => labels?.quiesce !== 'none').map(({ name }) => name));
  return sources
    .filter(({ service }) => still.has(service))
    .flatMap(({ service, path, mount }) =>
      passing
        .filter(({ mounts }) => mounts.some((one) => one.writable && overlaps(placeOf(one), placeIn(mount, path))))
        .map(
          ({ name }) => `service "${service}": ${path} is also written by "${name}" of \`docker compose run\`, which does not stand still`,
        ),
    );
}
