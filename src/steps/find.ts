import { relative } from 'node:path';
import { z } from 'zod';
import { plainPath } from '../config/values.ts';
import type { Context } from '../context.ts';
import { configurationError, DavitError } from '../model/errors.ts';
import { type Artifact, artifactId, isGood, type Manifest, newestFirst } from '../model/snapshot.ts';
import { isInside } from './places.ts';

/** Which snapshot a person means: an id or the beginning of one, or `latest`, optionally the newest complete one `at` a moment. */
export interface Wanted {
  readonly snapshot: string;
  readonly stack: string;
  readonly set?: string | undefined;
  readonly at?: string | undefined;
}

export async function findSnapshot({ repository, log }: Context, wanted: Wanted): Promise<Manifest> {
  const { manifests, damaged, unread } = await repository.listReachable(wanted.stack, wanted.set);
  for (const problem of damaged) log.warn({ problem }, 'damaged manifest');
  // What cannot be read may be newer, or the one that is meant.
  if (unread.length > 0 && !manifests.some(({ id }) => id === wanted.snapshot)) throw unread[0];
  return pick(manifests, wanted, repository.location);
}

/** Incomplete and safety snapshots are only found by their id. */
export function pick(manifests: readonly Manifest[], { snapshot, stack, set, at }: Wanted, location: string): Manifest {
  const where = `stack "${stack}"${set === undefined ? '' : `, set "${set}"`}`;
  if (snapshot !== 'latest') {
    if (at !== undefined)
      throw configurationError({ where: '--at', what: 'goes with latest, not with an id', seen: snapshot, fix: 'leave one of them out' });
    const matches = manifests.filter(({ id }) => id === snapshot || (snapshot.length >= 8 && id.startsWith(snapshot)));
    const [match] = matches;
    if (match !== undefined && matches.length === 1) return match;
    throw configurationError({
      where,
      what: matches.length === 0 ? `has no snapshot ${snapshot}` : `${snapshot} fits ${matches.length} snapshots`,
      seen: location,
      fix: '`davit list` shows them',
    });
  }
  const limit = at === undefined ? Infinity : momentOf(at);
  const good = manifests.filter((manifest) => isGood(manifest) && Date.parse(manifest.startedAt) <= limit);
  const sets = [...new Set(good.map((manifest) => manifest.set))];
  if (sets.length > 1)
    throw configurationError({ where, what: 'has several sets', seen: sets.join(', '), fix: 'say which one with --set' });
  const [newest] = good.toSorted(newestFirst);
  if (newest !== undefined) return newest;
  throw new DavitError({
    where,
    what: `has no complete snapshot${at === undefined ? '' : ` at or before ${new Date(limit).toISOString()}`}`,
    seen: `${manifests.length} others in ${location}`,
    fix:
      manifests.length > 0
        ? `\`davit list\` shows them; ${at === undefined ? 'incomplete ones' : 'later and incomplete ones'} can be restored by id`
        : 'run `davit backup`, or name the stack it came from with --from-stack',
  });
}

/** Other forms are understood as another day in another country, and a day that no month has as one of the next. A day alone is its first moment. */
function momentOf(text: string): number {
  const [day = ''] = text.split(/[T ]/, 1);
  const moment = z.iso.date().safeParse(day).success ? Date.parse(text === day ? `${day}T00:00` : text) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw configurationError({
    where: '--at',
    what: 'expected a time such as 2026-11-21T03:00:00Z',
    seen: text,
    fix: 'write year, month, day; without Z, the time is that of TZ',
  });
}

export interface Part {
  readonly service?: string | undefined;
  /** `service/artifact`, as `davit show` prints it. */
  readonly only?: string | undefined;
  /** A container path inside one file tree, or of a SQLite database. */
  readonly path?: string | undefined;
}

/** The artifacts that a restore is about. */
export function chooseArtifacts(manifest: Manifest, { service, only, path }: Part): Artifact[] {
  const named = manifest.artifacts.filter(
    (artifact) => (service === undefined || artifact.service === service) && (only === undefined || isNamed(artifact, only)),
  );
  const whole = [...new Set([...named, ...named.flatMap((artifact) => databasesOf(manifest.artifacts, artifact))])];
  const chosen = path === undefined ? whole : at(whole, plainPath(path));
  if (chosen.length === 0) {
    throw configurationError({
      where: `snapshot ${manifest.id}`,
      what: 'has nothing of that name',
      seen: [service, only, path].filter((part) => part !== undefined).join(', '),
      fix: `it has ${manifest.artifacts.map(artifactId).join(', ')}`,
    });
  }
  if (path !== undefined && new Set(chosen.map((artifact) => artifact.service)).size > 1) {
    throw configurationError({
      where: '--path',
      what: 'lies in trees of several services',
      seen: chosen.map(artifactId).join(', '),
      fix: 'say which one with --service',
    });
  }
  return chosen;
}

/** By its name, or a file tree by its container path. */
export function isNamed(artifact: Artifact, name: string): boolean {
  return artifactId(artifact) === name || (artifact.path !== undefined && `${artifact.service}${artifact.path}` === name);
}

/**
 * A path means the database of that name, or what lies there: the part of a tree, the trees of volumes that are mounted below it, and the databases that were
 * taken out of any of it.
 */
function at(artifacts: readonly Artifact[], path: string): Artifact[] {
  const databases = artifacts.filter(({ kind }) => kind === 'sqlite');
  const exact = databases.filter((database) => database.path === path);
  if (exact.length > 0) return exact;
  const all = artifacts.filter(({ kind }) => kind === 'files');
  const around = deepest(all.filter((tree) => isInside(path, tree.path ?? '')));
  const isFellow = ({ service }: Artifact): boolean => around.length === 0 || around.some((tree) => tree.service === service);
  const trees = [...around, ...all.filter((tree) => !around.includes(tree) && isFellow(tree) && isInside(tree.path ?? '', path))];
  const below = trees.length === 0 ? databases : trees.flatMap((tree) => databasesOf(artifacts, tree));
  return [...trees, ...below.filter((database) => isInside(database.path ?? '', path))];
}

/** What a path means in a tree, relative to it; undefined: all of it, as of one that is mounted below. */
export function partOf({ path: tree = '/' }: Pick<Artifact, 'path'>, path: string | undefined): string | undefined {
  return path === undefined || isInside(tree, plainPath(path)) ? undefined : relative(tree, plainPath(path));
}

/** Of nested trees, the one that the path really lies in. */
function deepest(trees: readonly Artifact[]): Artifact[] {
  const longest = Math.max(...trees.map(({ path = '' }) => path.length));
  return trees.filter(({ path = '' }) => path.length === longest);
}

/** The SQLite databases that were taken out of this tree and belong back into it. */
export function databasesOf(artifacts: readonly Artifact[], tree: Artifact): Artifact[] {
  return tree.kind === 'files' ? artifacts.filter((database) => treeOf(artifacts, database) === tree) : [];
}

/** The tree that a SQLite database was taken out of. */
export function treeOf(artifacts: readonly Artifact[], artifact: Artifact): Artifact | undefined {
  return artifact.kind === 'sqlite' ? treeAround(artifacts, artifact) : undefined;
}

/** The tree that a SQLite database, or the tree of a volume that is mounted inside another one, lies in. */
export function treeAround(artifacts: readonly Artifact[], { kind, service, name, path }: Artifact): Artifact | undefined {
  if (path === undefined) return undefined;
  const isAround = (tree: Artifact): boolean => tree.kind === 'files' && tree.service === service && isInside(path, tree.path ?? '');
  return deepest(artifacts.filter((tree) => isAround(tree) && (kind !== 'files' || tree.name !== name)))[0];
}
