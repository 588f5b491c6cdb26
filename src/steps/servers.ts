import pLimit from 'p-limit';
import { labelSchema } from '../config/labels.ts';
import type { Context } from '../context.ts';
import type { Container, Mount } from '../docker/docker.ts';
import type { Engine, Inventory, Target } from '../engines/engine.ts';
import { askFirstStart, isFirstStart } from './first-start.ts';
import { configurationError, DavitError } from '../model/errors.ts';
import type { Problem } from '../model/plan.ts';
import { adviceOn, lacksTools } from './advice.ts';
import type { Service, Stack } from './discover.ts';
import { isInside, placeOf } from './places.ts';

const concurrentInventories = 8;
const inventoryTimeoutMs = 30_000;

/** A service with its database server, recognised and asked. */
export interface Server {
  readonly service: Service;
  readonly engine: Engine;
  readonly inventory: Inventory | undefined;
  readonly problem: DavitError | undefined;
}

/** Every database server of the stack, labelled or not: their data directories must not be archived by anybody. Only members are asked. */
export async function findServers({ docker, engines }: Context, stack: Stack, members: readonly Service[]): Promise<Server[]> {
  const limit = pLimit(concurrentInventories);
  const found = await Promise.all(stack.services.map((service) => limit(() => findServer(service, members.includes(service)))));
  return found.filter((server) => server !== undefined);

  async function findServer(service: Service, member: boolean): Promise<Server | undefined> {
    const [container] = service.containers;
    const wanted = service.labels?.dump ?? 'auto';
    const byConfiguration = configuredEngine(engines, service);
    const programs = byConfiguration === undefined && member && container.state === 'running' ? await docker.processes(container.id) : [];
    const engine = byConfiguration ?? engines.find((one) => one.recognises(container, programs));
    if (engine === undefined) return undefined;
    if (!member || wanted === 'none') return { service, engine, inventory: undefined, problem: undefined };
    try {
      return { service, engine, inventory: await takeInventory(service, engine), problem: undefined };
    } catch (error) {
      if (!(error instanceof DavitError)) throw error;
      const isApp = wanted === 'auto' && (await hasOnlyVariables(engine, container, error));
      return isApp ? undefined : { service, engine, inventory: undefined, problem: error };
    }
  }

  /** As from a file that all services share: neither its image, nor what runs in it, nor where it keeps files is a server's. */
  async function hasOnlyVariables(engine: Engine, container: Container, { complaint }: DavitError): Promise<boolean> {
    const runs = container.state === 'running';
    if (runs ? complaint.fix !== lacksTools : container.mounts.some((mount) => isOfServer(engine, mount))) return false;
    const programs = runs ? await docker.processes(container.id) : [];
    return !engines.some((one) => one.recognises({ ...container, env: {} }, programs));
  }

  async function takeInventory(service: Service, engine: Engine): Promise<Inventory> {
    const target = targetOf(service);
    const unusable = target.access.options.find((option) => engine.leavesOut?.test(option));
    if (unusable !== undefined)
      throw configurationError({
        where: `service "${service.name}"`,
        what: 'davit.dump.options leaves out what every restore needs',
        seen: unusable,
        fix: 'remove it from the label',
      });
    if (target.container.state !== 'running') {
      throw new DavitError({
        where: `service "${service.name}"`,
        what: `its database cannot be dumped: the container is ${target.container.state}`,
        fix: `run \`docker compose ${target.container.state === 'paused' ? 'unpause' : 'up -d'} ${service.name}\``,
      });
    }
    await requirePassword(service, target);
    await requireSetUp(service, target);
    const { exitCode, stdout, stderr } = await docker.run(target.container.id, engine.inventory(target), { timeoutMs: inventoryTimeoutMs });
    if (exitCode !== 0) {
      throw new DavitError({
        where: `service "${service.name}"`,
        what: `${engine.name} does not answer`,
        seen: lastLines(stderr) || `exit code ${exitCode}`,
        fix: adviceOn(stderr, service.name),
      });
    }
    return engine.readInventory(stdout);
  }

  async function requireSetUp({ name }: Service, { container }: Target): Promise<void> {
    const { stdout } = await docker.run(container.id, askFirstStart(), { timeoutMs: inventoryTimeoutMs });
    if (isFirstStart(stdout))
      throw new DavitError({
        where: `service "${name}"`,
        what: 'its server starts for the first time and is still loading what it is to hold',
        fix: `wait until it is done (\`docker compose logs ${name}\`), and back up again`,
      });
  }

  /** A server that trusts whoever asks from its own container would not notice that the password is none. */
  async function requirePassword(service: Service, { container, access: { passwordEnv, passwordFile } }: Target): Promise<void> {
    const where = `service "${service.name}"`;
    if (passwordEnv !== undefined && container.env[passwordEnv] === undefined)
      throw configurationError({
        where,
        what: 'davit.dump.password-env names a variable that its container does not have',
        seen: passwordEnv,
        fix: 'correct the label, or give the variable to the service',
      });
    if (passwordFile === undefined) return;
    const { exitCode } = await docker.run(container.id, { argv: ['test', '-r', passwordFile] }, { timeoutMs: inventoryTimeoutMs });
    if (exitCode !== 0)
      throw configurationError({
        where,
        what: 'davit.dump.password-file names a file that cannot be read in its container',
        seen: passwordFile,
        fix: 'correct the label, or give the secret to the service',
      });
  }
}

/** Who says how a database is dumped wants it dumped: its files alone would not be that. */
export function unrecognised(members: readonly Service[], servers: readonly Server[]): Problem[] {
  return members
    .filter((service) => service.labels?.dump === 'auto' && !servers.some((server) => server.service === service))
    .filter(({ labels }) => JSON.stringify(dumpLabels(labels)) !== JSON.stringify(dumpLabels(labelSchema.parse({}))))
    .map(({ name, containers: [{ state }] }) => ({
      service: name,
      absent: state === 'created',
      error: configurationError({
        where: `service "${name}"`,
        what: 'has labels davit.dump.…, and no database is recognised in its container',
        seen: state === 'running' ? undefined : `the container is ${state}`,
        fix: 'say which one it is, such as davit.dump=postgres, or remove them',
      }),
    }));
}

function dumpLabels(labels: object = {}): [string, unknown][] {
  return Object.entries(labels).filter(([label, value]) => label.startsWith('dump.') && value !== undefined);
}

/** As labels and the container's configuration tell, without asking it. */
export function configuredEngine(engines: readonly Engine[], { labels, containers: [container] }: Service): Engine | undefined {
  const wanted = labels?.dump ?? 'auto';
  if (wanted !== 'auto' && wanted !== 'none') return engines.find(({ name }) => name === wanted);
  // What an image is called says more than variables, which may be those of all services.
  const looks = [{ ...container, env: {} }, container];
  return looks.flatMap((one) => engines.find((engine) => engine.recognises(one, [])) ?? [])[0];
}

export function targetOf(service: Service): Target {
  const { labels } = service;
  return {
    container: service.containers[0],
    access: {
      user: labels?.['dump.user'],
      passwordEnv: labels?.['dump.password-env'],
      passwordFile: labels?.['dump.password-file'],
      options: labels?.['dump.options'] ?? [],
    },
  };
}

/**
 * Who may try to log in for a restore: whom the labels name, and whom the container itself was configured with. An account that was made for
 * dumps is not there yet in an empty server, and need not be allowed to write.
 */
export function loginsOf(service: Service): Target[] {
  const byLabels = targetOf(service);
  const byDefault = targetOf(withoutLogin(service));
  return JSON.stringify(byLabels.access) === JSON.stringify(byDefault.access) ? [byLabels] : [byLabels, byDefault];
}

export function withoutLogin(service: Service): Service {
  if (service.labels === undefined) return service;
  return {
    ...service,
    labels: { ...service.labels, 'dump.user': undefined, 'dump.password-env': undefined, 'dump.password-file': undefined },
  };
}

/** Each place that holds a server's files → its service. */
export function dataVolumes(servers: readonly Server[]): Map<string, string> {
  const volumes = new Map<string, string>();
  for (const { service, engine } of servers) {
    for (const mount of service.containers[0].mounts) {
      if (isOfServer(engine, mount)) volumes.set(placeOf(mount), service.name);
    }
  }
  return volumes;
}

function isOfServer({ dataDirectories }: Engine, { destination }: Mount): boolean {
  return dataDirectories.some((folder) => isInside(destination, folder) || isInside(folder, destination));
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-2).join(' / ');
}
