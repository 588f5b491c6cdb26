import type { Readable } from 'node:stream';
import type { Context } from '../context.ts';
import { configurationError } from '../model/errors.ts';
import { artifactId, type Manifest, storedBytes } from '../model/snapshot.ts';
import { discover } from '../steps/discover.ts';
import { findSnapshot, isNamed } from '../steps/find.ts';
import { ofStack } from '../steps/half-restored.ts';
import { companionsOf } from '../steps/retain.ts';

export interface Which {
  readonly set?: string | undefined;
  readonly fromStack?: string | undefined;
}

async function stackName(context: Context, { fromStack }: Which): Promise<string> {
  return fromStack ?? (await discover(context)).name;
}

/** `davit list`: newest first; the sequence of one set says nothing about another. */
export async function list(context: Context, which: Which): Promise<{ manifests: Manifest[]; damaged: string[] }> {
  const { manifests, damaged } = await context.repository.list(await stackName(context, which), which.set);
  const isOneSet = new Set(manifests.map(({ set }) => set)).size <= 1;
  return { manifests: isOneSet ? manifests : manifests.toSorted((a, b) => b.startedAt.localeCompare(a.startedAt)), damaged };
}

/** `davit show ID`. */
export async function show(context: Context, snapshot: string, which: Which): Promise<Manifest> {
  return findSnapshot(context, { snapshot, set: which.set, stack: await stackName(context, which) });
}

/** What other sets have that belongs to a snapshot. Only the labels of its own stack can tell. */
export async function companions(context: Context, manifest: Manifest, { fromStack }: Which): Promise<Manifest[]> {
  return fromStack === undefined ? companionsOf(context, await discover(context), manifest) : [];
}

/** `davit cat ID ARTIFACT`: the plain bytes. */
export async function cat(context: Context, snapshot: string, name: string, which: Which): Promise<Readable> {
  const manifest = await show(context, snapshot, which);
  const artifact = manifest.artifacts.find((one) => isNamed(one, name));
  if (artifact !== undefined) return context.repository.read(manifest, artifact, context.signal);
  throw configurationError({
    where: `snapshot ${manifest.id}`,
    what: 'has no such artifact',
    seen: name,
    fix: `it has ${manifest.artifacts.map(artifactId).join(', ')}`,
  });
}

export function describeList(manifests: readonly Manifest[]): string {
  if (manifests.length === 0) return 'no snapshots yet';
  const rows = manifests.map((manifest) => [
    manifest.id,
    manifest.set,
    manifest.reason === 'safety' ? `${manifest.status} (safety)` : manifest.status,
    String(manifest.artifacts.length),
    humanBytes(storedBytes(manifest)),
    manifest.startedAt,
  ]);
  return table([['SNAPSHOT', 'SET', 'STATUS', 'ARTIFACTS', 'STORED', 'STARTED'], ...rows]);
}

export function describeSnapshot(manifest: Manifest): string {
  const { id, stack, set, status, reason, startedAt, endedAt, skewMs, downtimeMs, davit } = manifest;
  const downtime = Object.entries(downtimeMs).map(([service, ms]) => `${service} ${ms} ms`);
  const isSkewed = manifest.artifacts.filter(({ kind }) => kind === 'database' || kind === 'command').length > 1;
  const rows = manifest.artifacts.map((artifact) => [
    artifactId(artifact),
    artifact.engine,
    humanBytes(artifact.plain.bytes),
    humanBytes(artifact.stored.bytes),
    artifact.tables === undefined ? '' : `${artifact.tables.length} ${artifact.tables.length === 1 ? 'table' : 'tables'}`,
    artifact.server ?? artifact.mount?.source ?? '',
  ]);
  return [
    `snapshot ${id} of stack ${stack}, set ${set}: ${status}${reason === 'safety' ? ' (taken before a restore)' : ''}`,
    `from ${startedAt} to ${endedAt}, by Davit ${davit}`,
    `${isSkewed ? `databases and commands began within ${skewMs} ms of each other; ` : ''}downtime: ${downtime.length === 0 ? 'none' : downtime.join(', ')}`,
    '',
    table([['ARTIFACT', 'ENGINE', 'PLAIN', 'STORED', 'CONTENT', 'SOURCE'], ...rows]),
    ...manifest.warnings.map((warning) => `! ${warning}`),
    ...manifest.failures.map(({ service, source, error }) => `x ${service}${source === undefined ? '' : `/${source}`}: ${error}`),
  ].join('\n');
}

/** The snapshots of other sets that belong to one, for programs; most stacks have none. */
export function named(companions: readonly Manifest[]): { companions?: { set: string; id: string }[] } {
  return companions.length === 0 ? {} : { companions: companions.map(({ set, id }) => ({ set, id })) };
}

/** What else a person has to restore for it. */
export function describeCompanion({ set, id, startedAt }: Manifest, fromStack?: string): string {
  return `of set ${set}, ${id} of ${startedAt} belongs to it: davit restore ${id}${ofStack(fromStack)}`;
}

export function humanBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes === 0 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
