import { configurationError } from '../model/errors.ts';
import type { FilesSource, Problem, Skipped } from '../model/plan.ts';
import type { Mount } from '../docker/docker.ts';
import type { Service } from './discover.ts';
import { separateVolumes, widen } from './shared-volumes.ts';

export interface TreePlan {
  readonly sources: readonly FilesSource[];
  readonly skipped: readonly Skipped[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** What the file planning must know about databases: who is dumped, and which volumes are a server's own. */
export interface DatabaseVolumes {
  readonly dumped: ReadonlySet<string>;
  /** Volume identities of every recognised server, dumped or not. */
  readonly dataOf: ReadonlyMap<string, string>;
}

/** Which file trees are archived, and why the others are not. A volume that several services share is stored once, with the first of them. */
export function planTrees(services: readonly Service[], databases: DatabaseVolumes, storageVolumes: ReadonlySet<string>): TreePlan {
  const sources: FilesSource[] = [];
  const skipped: Skipped[] = [];
  const problems: Problem[] = [];
  const warnings: string[] = [];
  /** By volume and folder in it, the place in `sources`. */
  const taken = new Map<string, number>();

  for (const service of services) {
    if (service.labels === undefined || service.labels.files === 'none') continue;
    const { wanted, missing } = wantedMounts(service, databases, skipped);
    for (const path of missing) {
      problems.push({
        service: service.name,
        error: configurationError({
          where: `service "${service.name}"`,
          what: `davit.files: ${path} is in no volume and no bind mount, so it lies in the container's own layer and is lost with the container`,
          fix: 'mount a volume there, or remove the path',
        }),
      });
    }
    for (const { mount, path } of wanted) {
      const identity = volumeIdentity(mount);
      const owner = databases.dataOf.get(identity);
      if (storageVolumes.has(identity))
        skipped.push({ service: service.name, what: path, why: 'the snapshots themselves are stored here' });
      else if (owner !== undefined && databases.dumped.has(owner))
        skipped.push({
          service: service.name,
          what: path,
          why: `data directory of "${owner}", which is dumped; a copy of it would be torn`,
        });
      else {
        take(service, toSource(service, mount, path), `${identity}:${path.slice(mount.destination.length)}`);
      }
    }
  }
  return { sources, skipped, problems, warnings };

  function take(service: Service, source: FilesSource, folder: string): void {
    const separate = separateVolumes(service, source);
    if (separate !== undefined) problems.push({ service: service.name, absent: true, error: separate });
    const index = taken.get(folder) ?? sources.length;
    const same = sources[index];
    if (same === undefined) {
      taken.set(folder, index);
      sources.push(source);
      return;
    }
    skipped.push({ service: service.name, what: source.path, why: `same volume as ${same.path} of "${same.service}", stored once` });
    const widened = widen(same, source);
    if (widened === undefined) return;
    sources[index] = widened.source;
    warnings.push(widened.warning);
  }
}

export function volumeIdentity(mount: Pick<Mount, 'type' | 'source'>): string {
  return `${mount.type}:${mount.source}`;
}

interface Wanted {
  readonly mount: Mount;
  readonly path: string;
}

function wantedMounts(service: Service, databases: DatabaseVolumes, skipped: Skipped[]): { wanted: Wanted[]; missing: string[] } {
  const mounts = service.containers[0].mounts;
  const files = service.labels?.files;
  if (Array.isArray(files)) {
    const chosen = explicitMounts(mounts, files.map(trimSlash));
    for (const mount of mounts)
      if (isVolume(mount) && !chosen.wanted.some((one) => one.mount === mount))
        skipped.push({ service: service.name, what: mount.destination, why: unsuited(mount) ?? 'not in davit.files' });
    return chosen;
  }
  if (databases.dumped.has(service.name)) {
    for (const mount of mounts)
      if (isVolume(mount))
        skipped.push({
          service: service.name,
          what: mount.destination,
          why: 'its database is dumped; label davit.files names paths that are wanted as well',
        });
    return { wanted: [], missing: [] };
  }
  const wanted: Wanted[] = [];
  for (const mount of mounts) {
    const why = unsuited(mount);
    if (why === undefined) wanted.push({ mount, path: mount.destination });
    else skipped.push({ service: service.name, what: mount.destination, why });
  }
  return { wanted, missing: [] };
}

/** A path means the volume it lies in, from there on, and every volume that is mounted below it. */
function explicitMounts(mounts: readonly Mount[], paths: readonly string[]): { wanted: Wanted[]; missing: string[] } {
  const wanted = new Map<string, Wanted>();
  const missing: string[] = [];
  for (const path of paths) {
    const found: Wanted[] = mounts
      .filter((mount) => isVolume(mount) && isInside(mount.destination, path))
      .map((mount) => ({ mount, path: mount.destination }));
    const [around] = mounts
      .filter((mount) => isVolume(mount) && isInside(path, mount.destination))
      .toSorted((a, b) => b.destination.length - a.destination.length);
    if (around !== undefined && around.destination !== path) found.push({ mount: around, path });
    if (found.length === 0) missing.push(path);
    for (const one of found) wanted.set(one.path, one);
  }
  return { wanted: [...wanted.values()], missing };
}

function unsuited(mount: Mount): string | undefined {
  if (mount.type === 'tmpfs') return 'a tmpfs: its content is temporary by intention';
  if (!isVolume(mount)) return `a mount of a kind that is not archived`;
  if (!mount.writable) return 'mounted read-only; name it in davit.files to archive it all the same';
  if (/\.sock$|^\/(proc|sys|dev|run)(\/|$)/.test(mount.source)) return 'a socket or system path of the host';
  return undefined;
}

function isVolume(mount: Mount): boolean {
  return mount.type === 'volume' || mount.type === 'bind';
}

/** By path segment: `/data2` is not inside `/data`. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`);
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

function toSource(service: Service, mount: Mount, path: string): FilesSource {
  const { 'files.include': include = [], 'files.exclude': exclude = [], sqlite = 'auto', order = 0 } = service.labels ?? {};
  return {
    kind: 'files',
    service: service.name,
    name: `files${path}`,
    order,
    path,
    mount: { type: mount.type === 'bind' ? 'bind' : 'volume', source: mount.source, destination: mount.destination },
    include,
    exclude,
    sqlite,
  };
}
