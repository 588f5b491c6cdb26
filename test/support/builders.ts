import { parseLabels } from '../../src/config/parse-labels.ts';
import { composeLabels } from '../../src/docker/compose.ts';
import type { Container, Mount } from '../../src/docker/docker.ts';
import type { Access, Target } from '../../src/engines/engine.ts';
import type { CommandSource, DatabaseSource, FilesSource, Plan } from '../../src/model/plan.ts';
import type { Artifact, Manifest } from '../../src/model/snapshot.ts';
import type { Service, Stack } from '../../src/steps/discover.ts';

/** Plain data as the program would have it, with only what a test cares about spelled out. */

const digest = { bytes: 10, sha256: 'a'.repeat(64) };

export function volume(source: string, destination: string, writable = true): Mount {
  return { type: 'volume', source, destination, writable };
}

export function bind(source: string, destination: string, writable = true): Mount {
  return { type: 'bind', source, destination, writable };
}

export function container(overrides: Partial<Container> = {}): Container {
  const name = overrides.name ?? 'shop-app-1';
  return {
    id: `id-of-${name}`,
    name,
    image: 'example/app:1',
    imageId: 'sha256:0',
    state: 'running',
    exitCode: 0,
    health: 'none',
    labels: {},
    env: {},
    command: [],
    mounts: [],
    networks: [],
    startedAt: '2026-11-21T00:00:00Z',
    ...overrides,
  };
}

/** A container as compose makes it. */
export function composeContainer(service: string, overrides: Partial<Container> & { number?: number; project?: string } = {}): Container {
  const { number = 1, project = 'shop', ...rest } = overrides;
  const compose = {
    [composeLabels.project]: project,
    [composeLabels.service]: service,
    [composeLabels.number]: String(number),
    [composeLabels.oneoff]: 'False',
  };
  return container({ name: `${project}-${service}-${number}`, ...rest, labels: { ...compose, ...rest.labels } });
}

interface ServiceOptions extends Partial<Omit<Container, 'labels'>> {
  /** undefined: takes no part. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly dependsOn?: readonly string[];
  readonly own?: boolean;
  readonly replicas?: readonly Container[];
}

export function service(name: string, { labels, dependsOn = [], own = false, replicas, ...overrides }: ServiceOptions = {}): Service {
  const [first = composeContainer(name, overrides), ...rest] = replicas ?? [];
  const parsed = labels === undefined ? undefined : parseLabels(name, labels);
  if (parsed !== undefined && parsed.problems.length > 0) throw new Error(parsed.problems.map(({ message }) => message).join('; '));
  return {
    name,
    containers: [first, ...rest],
    labels: parsed?.labels,
    set: parsed?.labels?.set,
    optedOut: false,
    problems: [],
    dependsOn: dependsOn.map((one) => ({ service: one, condition: 'service_started' })),
    own,
    sets: new Map(),
  };
}

export function stack(...services: readonly Service[]): Stack {
  const own = services.find((one) => one.own) ?? service('davit', { own: true });
  return { name: 'shop', own: own.containers[0], passing: [], services: services.includes(own) ? services : [...services, own] };
}

export function target(overrides: Partial<Container> = {}, access: Partial<Access> = {}): Target {
  return { container: composeContainer('db', overrides), access: { options: [], ...access } };
}

export function databaseSource(name: string, database = name): DatabaseSource {
  return {
    kind: 'database',
    service: name,
    name: database,
    database,
    order: 0,
    engine: 'postgres',
    extension: 'pgdump',
    details: {},
    server: '17',
    tool: 'pg_dump',
    command: 'pg_dump',
    warnings: [],
  };
}

export function filesSource(name: string, mount: Mount): FilesSource {
  return {
    kind: 'files',
    service: name,
    name: `files${mount.destination}`,
    order: 0,
    path: mount.destination,
    mount: { type: mount.type === 'bind' ? 'bind' : 'volume', source: mount.source, destination: mount.destination },
    include: [],
    exclude: [],
    sqlite: 'auto',
  };
}

export function commandSource(name: string, command = 'dump'): CommandSource {
  return { kind: 'command', service: name, name: 'dump', order: 0, engine: 'command', extension: 'out', command, restorable: true };
}

export function plan(...sources: Plan['sources']): Plan {
  const dumped = sources.filter(({ kind }) => kind === 'database' || kind === 'accounts').map(({ service: name }) => name);
  return { stack: 'shop', set: 'default', sources, dumped, skipped: [], problems: [], warnings: [] };
}

export function artifact(overrides: Partial<Artifact> = {}): Artifact {
  return {
    service: 'db',
    name: 'shop',
    kind: 'database',
    engine: 'postgres',
    extension: 'pgdump',
    startedAt: '2026-11-21T03:00:00.000Z',
    endedAt: '2026-11-21T03:00:01.000Z',
    file: 'db/shop.pgdump',
    codecs: [],
    plain: digest,
    stored: digest,
    ...overrides,
  };
}

export function filesArtifact(name: string, path: string, overrides: Partial<Artifact> = {}): Artifact {
  return artifact({
    service: name,
    name: `files${path}`,
    kind: 'files',
    engine: 'files',
    extension: 'tar',
    path,
    mount: { type: 'volume', source: `shop_${name}`, destination: path },
    ...overrides,
  });
}

export function sqliteArtifact(name: string, path: string, overrides: Partial<Artifact> = {}): Artifact {
  return filesArtifact(name, path, { name: `sqlite${path}`, kind: 'sqlite', engine: 'sqlite', extension: 'sqlite', ...overrides });
}

export function manifest(overrides: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    id: '20261121T030000Z-3f9a1c',
    sequence: 1,
    stack: 'shop',
    set: 'default',
    status: 'complete',
    reason: 'backup',
    startedAt: '2026-11-21T03:00:00.000Z',
    endedAt: '2026-11-21T03:00:10.000Z',
    skewMs: 0,
    downtimeMs: {},
    davit: '0.1.0',
    artifacts: [artifact()],
    failures: [],
    warnings: [],
    ...overrides,
  };
}

/** A server with two databases, a service with a volume in a volume, and one with a volume of its own. */
export function artifactsOfShop(): Artifact[] {
  return [
    artifact({ name: '@accounts', kind: 'accounts' }),
    artifact({ name: 'shop', database: 'shop' }),
    artifact({ name: 'stats', database: 'stats' }),
    filesArtifact('app', '/data'),
    filesArtifact('app', '/data/inner', { mount: { type: 'volume', source: 'shop_inner', destination: '/data/inner' } }),
    filesArtifact('web', '/data'),
  ];
}
