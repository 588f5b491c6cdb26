import { configurationError } from '../model/errors.ts';
import type { FilesSource, Problem, Skipped } from '../model/plan.ts';
import type { Mount } from '../docker/docker.ts';
import type { Service } from './discover.ts';
import { globBelow, isInside, overlaps, placeIn, placesInside } from './places.ts';
import { baseOf, leftOut } from './selection.ts';
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
  /** Where each recognised server keeps its files, dumped or not. */
  readonly dataOf: ReadonlyMap<string, string>;
}

/**
 * Which file trees are archived, and why the others are not. A volume that several services share is stored once, with the first of them. `replaced`: what
 * is archived whatever the labels say, because a restore is about to replace it.
 */
export function planTrees(
  services: readonly Service[],
  databases: DatabaseVolumes,
  storage: ReadonlySet<string>,
  replaced: readonly FilesSource[] = [],
): TreePlan {
  const sources: FilesSource[] = [];
  const skipped: Skipped[] = [];
  const problems: Problem[] = [];
  const warnings: string[] = [];
  /** By where it lies, the index in `sources`. */
  const taken = new Map<string, number>();
  const reserved = reservedPlaces(databases, storage);

  for (const service of services) {
    if (service.labels === undefined || service.labels.files === 'none') continue;
    const { wanted, missing } = wantedMounts(service, databases, skipped);
    warnings.push(...strayGlobs(service, wanted));
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
      const [source, place] = [toSource(service, mount, path), placeIn(mount, path)];
      const [, why = leftOut(source)] = [...reserved].find(([around]) => isInside(place, around)) ?? [];
      if (why === undefined) take(service, source, place);
      else skipped.push({ service: service.name, what: path, why });
    }
  }
  for (const source of replaced) save(source);
  return { sources: sources.map(withoutReserved), skipped, problems, warnings };

  function save(source: FilesSource): void {
    const place = placeIn(source.mount, source.path);
    if ([...reserved.keys()].some((around) => isInside(place, around))) return;
    const left = new Set([...placesInside(source, reserved.keys()).values()].map(globBelow));
    const wanted = { ...source, exclude: source.exclude.filter((glob) => !left.has(glob)) };
    const index = taken.get(place) ?? sources.length;
    const same = sources[index];
    sources[index] = same === undefined ? wanted : (widen(same, wanted)?.source ?? same);
  }

  function withoutReserved(source: FilesSource): FilesSource {
    const inside = placesInside(source, reserved.keys());
    for (const [place, path] of inside) skipped.push({ service: source.service, what: path, why: reserved.get(place) ?? '' });
    return { ...source, exclude: [...source.exclude, ...[...inside.values()].map(globBelow)] };
  }

  function take(service: Service, source: FilesSource, place: string): void {
    const separate = separateVolumes(service, source);
    if (separate !== undefined) problems.push({ service: service.name, absent: true, error: separate });
    const index = taken.get(place) ?? sources.length;
    const same = sources[index];
    if (same === undefined) {
      taken.set(place, index);
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

/** What is never archived, and why: it is somebody else's, wherever it is mounted. */
function reservedPlaces({ dumped, dataOf }: DatabaseVolumes, storage: ReadonlySet<string>): Map<string, string> {
  const data = [...dataOf].filter(([, owner]) => dumped.has(owner));
  return new Map([
    ...data.map(([place, owner]) => [place, `data directory of "${owner}", which is dumped; a copy of it would be torn`] as const),
    ...[...storage].map((place) => [place, 'the snapshots themselves are stored here'] as const),
  ]);
}

interface Wanted {
  readonly mount: Mount;
  readonly path: string;
}

function wantedMounts(service: Service, databases: DatabaseVolumes, skipped: Skipped[]): { wanted: Wanted[]; missing: string[] } {
  const mounts = service.containers[0].mounts;
  const files = service.labels?.files;
  if (Array.isArray(files)) {
    const chosen = explicitMounts(mounts, files);
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

/** As where somebody wrote a path of the host. */
function strayGlobs({ name, labels }: Service, wanted: readonly Wanted[]): string[] {
  const isStray = (glob: string): boolean => !wanted.some(({ path }) => overlaps(path, baseOf(glob)));
  return (['files.include', 'files.exclude'] as const).flatMap((label) =>
    (labels?.[label] ?? [])
      .filter(isStray)
      .map((glob) => `service "${name}": davit.${label}: ${glob} lies in none of its file trees, which are paths in the container`),
  );
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
  if (/\.sock$|^\/(proc|sys|dev|run|var\/run|etc\/localtime|etc\/timezone)(\/|$)/.test(mount.source)) return 'a socket or system path';
  return undefined;
}

function isVolume(mount: Mount): boolean {
  return mount.type === 'volume' || mount.type === 'bind';
}

function toSource(service: Service, mount: Mount, path: string): FilesSource {
  const { 'files.include': include = [], 'files.exclude': exclude = [], sqlite = 'auto', order = 0 } = service.labels ?? {};
  return {
    kind: 'files',
    service: service.name,
    name: `files${path}`,
    order,
    path,
    mount: {
      type: mount.type === 'bind' ? 'bind' : 'volume',
      source: mount.source,
      destination: mount.destination,
      ...(mount.subpath === undefined ? {} : { subpath: mount.subpath }),
    },
    include,
    exclude,
    sqlite,
  };
}
