import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Bytes and their SHA-256 in hex. */
const digest = z.object({ bytes: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
export type Digest = z.infer<typeof digest>;

const table = z.object({ name: z.string(), rows: z.number().int().nonnegative().optional() });
export type Table = z.infer<typeof table>;

/** Where the volume or bind mount behind a file tree came from. `subpath`: the folder of the volume, where that is not all of it. */
const mount = z.object({ type: z.string(), source: z.string(), destination: z.string(), subpath: z.string().optional() });

/** `mode` in octal digits, as `chmod` takes it. */
const attributes = z.object({ uid: z.number(), gid: z.number(), mode: z.string().regex(/^[0-7]{3,4}$/), mtime: z.string() });

/** Where an artifact lies in the repository and how it was encoded. `file` is relative to the snapshot. */
export const storedSchema = z.object({
  file: z.string(),
  codecs: z.array(z.string()),
  plain: digest,
  stored: digest,
  /** The storage confirmed the stored hash when it received the file; without it, commit reads the file back. */
  proven: z.boolean().optional(),
});
export type StoredFile = z.infer<typeof storedSchema>;

export const artifactSchema = z.object({
  service: z.string(),
  name: z.string(),
  kind: z.enum(['database', 'accounts', 'files', 'sqlite', 'command']),
  engine: z.string(),
  extension: z.string(),
  /** The database's name as the server knows it; kind `database`. */
  database: z.string().optional(),
  /** Container path of the tree or of the SQLite database; kinds `files` and `sqlite`. */
  path: z.string().optional(),
  /** Of the file that a SQLite database is. */
  attributes: attributes.optional(),
  mount: mount.optional(),
  include: z.array(z.string()).optional(),
  exclude: z.array(z.string()).optional(),
  /** What the engine needs to recreate the source: charset, collation, owner. */
  details: z.record(z.string(), z.string()).optional(),
  tool: z.string().optional(),
  server: z.string().optional(),
  image: z.string().optional(),
  imageDigest: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string(),
  tables: z.array(table).optional(),
  warnings: z.array(z.string()).optional(),
  ...storedSchema.shape,
});
export type Artifact = z.infer<typeof artifactSchema>;

const failure = z.object({ service: z.string(), source: z.string().optional(), error: z.string() });
export type Failure = z.infer<typeof failure>;

export const manifestSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  /** Grows by one with every snapshot of a set, so that a wrong clock cannot change which one is the latest. */
  sequence: z.number().int().nonnegative(),
  stack: z.string(),
  set: z.string(),
  /** Name of the storage it lies in, when that is not the default one. */
  storage: z.string().optional(),
  status: z.enum(['complete', 'incomplete']),
  /** `safety`: taken by a restore before it changed anything; never `latest`. */
  reason: z.enum(['backup', 'safety']),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Between the first dump's start and the last dump's start, in milliseconds. */
  skewMs: z.number().nonnegative(),
  /** Per service that was stopped or paused: for how long, in milliseconds. */
  downtimeMs: z.record(z.string(), z.number().nonnegative()),
  davit: z.string(),
  artifacts: z.array(artifactSchema),
  failures: z.array(failure),
  warnings: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifestSchema>;

const laterVersion = z.object({ version: z.number().gt(manifestSchema.shape.version.value) });

/** What has been read of a storage; a sentence says why it is none. */
export function parseManifest(value: unknown): Manifest | string {
  const { data, error } = manifestSchema.safeParse(value);
  if (data !== undefined) return data;
  const later = laterVersion.safeParse(value).data;
  return later === undefined ? z.prettifyError(error).replaceAll('\n', ' ') : `is of version ${later.version}: use a newer Davit`;
}

/** What a snapshot takes in the storage. */
export function storedBytes({ artifacts }: Pick<Manifest, 'artifacts'>): number {
  return artifacts.reduce((sum, { stored }) => sum + stored.bytes, 0);
}

/** `service/name`, the way a person addresses an artifact on the command line. */
export function artifactId(artifact: Pick<Artifact, 'service' | 'name'>): string {
  return `${artifact.service}/${artifact.name}`;
}

/** Lies in a volume, and not in a server: a file tree, or a SQLite database that was taken out of one. */
export function isInVolume({ kind }: Pick<Artifact, 'kind'>): boolean {
  return kind === 'files' || kind === 'sqlite';
}

/** Newest first: by sequence, then by start. */
export function newestFirst(a: Manifest, b: Manifest): number {
  return b.sequence - a.sequence || b.startedAt.localeCompare(a.startedAt);
}

/** Good enough to be `latest` and to be counted by retention. */
export function isGood(manifest: Manifest): boolean {
  return manifest.status === 'complete' && manifest.reason === 'backup';
}

/** `20261121T030000Z-3f9a1c`: sortable, and unique because the caller's suffix is. */
export function snapshotId(startedAt: Date, suffix: string): string {
  return `${startedAt.toISOString().replace(/[-:]/g, '').slice(0, 15)}Z-${suffix}`;
}

export const snapshotIdPattern = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;

const longestSegment = 200;

/**
 * Names become key segments: everything outside the portable file name set is percent-encoded, so no name can leave its folder. A file name holds 255 bytes, and
 * what comes behind it takes some: a longer one ends in a hash.
 */
export function keySegment(name: string): string {
  const encoded = encodeURIComponent(name).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const segment = encoded.replace(/%40/g, '@').replace(/^\.+$/, (dots) => dots.replace(/\./g, '%2E'));
  if (segment.length <= longestSegment) return segment;
  const hash = createHash('sha256').update(segment).digest('hex').slice(0, 16);
  return `${segment.slice(0, longestSegment - 17).replace(/%.?$/, '')}~${hash}`;
}
