import { z } from 'zod';
import { configurationError } from '../model/errors.ts';
import { cron } from './cron.ts';
import { nearest } from './nearest.ts';
import { expectedLocation, keep, list, listenAddress, location, timeZone } from './values.ts';

/** Every variable that Davit reads. Each can also be given as `NAME_FILE`. docs/environment.md is generated from this. */
export const environmentSchema = z.strictObject({
  DAVIT_STORAGE: location.default('file:///backups').meta({
    default: 'file:///backups',
    example: 's3://my-bucket/backups',
    description:
      'Where snapshots go: `s3://bucket/prefix` or `file:///path`, as plain files; `restic+s3://bucket/prefix` or `restic+file:///path`, incremental in the format of restic. The default is a directory and says on every run that it is on this machine only.',
  }),
  DAVIT_SCHEDULE: cron.default('0 3 * * *').meta({
    default: '0 3 * * *',
    example: '*/30 * * * *',
    description: 'When the daemon backs up: a cron expression of five fields (six with seconds), in the time zone `TZ`.',
  }),
  DAVIT_DRILL: cron.optional().meta({
    example: '0 5 * * 0',
    description:
      'When the daemon drills: restores the newest snapshot of every set into throw-away containers. A cron expression like that of `DAVIT_SCHEDULE`. Without it, drills are made by `davit drill` only.',
  }),
  DAVIT_KEEP: keep.default({ last: 3, daily: 7, weekly: 4, monthly: 6 }).meta({
    default: 'last=3,daily=7,weekly=4,monthly=6',
    example: 'daily=14,monthly=12',
    description: 'Which snapshots stay. The last good one always does.',
  }),
  DAVIT_STACK: z
    .string()
    .min(1)
    .optional()
    .meta({ example: 'shop', description: 'The compose project to protect. Default: the one that Davit itself belongs to.' }),
  DAVIT_ENCRYPT_TO: list
    .pipe(
      z
        .array(z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, { error: 'expected age recipients (age1… of 62 characters)' }))
        .min(1, { error: 'expected age recipients (age1…)' }),
    )
    .default([])
    .meta({
      default: '',
      example: 'age1a42we6fr7qasw9tq4p0c96kmkchq6wyvhncnfklfn60kgp7yf9rqxzjyag',
      description:
        'age recipients, comma separated: everything except the manifest is encrypted to them. Davit then needs no secret to write. Not in the format of restic, which has `DAVIT_PASSWORD`.',
    }),
  DAVIT_IDENTITY: z
    .string()
    .min(1)
    .optional()
    .meta({ example: 'AGE-SECRET-KEY-1…', description: 'age identity; only needed to read encrypted snapshots.' }),
  DAVIT_PASSWORD: z.string().min(1).optional().meta({
    example: '…',
    description:
      'Opens repositories in the format of restic (`restic+…`), to write as well as to read. Without it nobody can read them again: keep a copy elsewhere.',
  }),
  DAVIT_PROVE: z.enum(['on', 'off'], { error: 'expected on or off' }).default('on').meta({
    default: 'on',
    example: 'off',
    description:
      'In the format of restic: whether everything is opened again and compared before it is sent, and read back afterwards where the storage does not confirm its hash. `off` saves about a fifth of the CPU; a fault of the memory or of a disk then shows at `davit verify` only.',
  }),
  DAVIT_LABELS_FILE: z.string().min(1).optional().meta({
    example: '/stack/davit.yaml',
    description:
      'YAML file with labels for stacks whose compose file is generated: `services: {name: {davit.…: value}}`. A label of the container wins.',
  }),
  DAVIT_NOTIFY: list
    .pipe(z.array(z.string().regex(/^(hc\+|ntfy\+)?https?:\/\/[^/]/, { error: 'expected https://…, hc+https://… or ntfy+https://…' })))
    .default([])
    .meta({
      default: '',
      example: 'hc+https://hc-ping.com/<uuid>,ntfy+https://ntfy.sh/my-topic',
      description:
        'Who is told how each run went, comma separated: `https://…` gets JSON, `hc+https://…` pings as healthchecks.io wants it, `ntfy+https://server/topic` sends a message. Counts as a secret.',
    }),
  DAVIT_HTTP: listenAddress.optional().meta({
    example: ':8080',
    description:
      'Where the daemon answers `GET /health` and `GET /metrics` (Prometheus) over HTTP: `:port`, or `host:port`. It asks nobody for a password and changes nothing. Without it, no port is opened.',
  }),
  DAVIT_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'], { error: 'expected trace, debug, info, warn or error' })
    .default('info')
    .meta({ default: 'info', example: 'debug', description: 'How much is logged.' }),
  DOCKER_HOST: z.string().min(1).default('unix:///var/run/docker.sock').meta({
    default: 'unix:///var/run/docker.sock',
    example: 'tcp://socket-proxy:2375',
    description: 'Where the Docker engine answers: the socket, or a socket proxy over TCP.',
  }),
  TZ: timeZone.default('UTC').meta({ default: 'UTC', example: 'Europe/Berlin', description: 'Time zone of schedules.' }),
});

export interface Environment extends z.output<typeof environmentSchema> {
  /** Further storages by the name that label `davit.set.<name>.storage` uses: `DAVIT_STORAGE_IMAGES` is `images`. */
  readonly storages: Readonly<Record<string, string>>;
}

/** Every location of snapshots by its name; the default one has none. */
export function locationsOf({ DAVIT_STORAGE, storages }: Pick<Environment, 'DAVIT_STORAGE' | 'storages'>): Record<string, string> {
  return { '': DAVIT_STORAGE, ...storages };
}

/** Variables whose values are secrets: they are redacted wherever they might appear. */
export const secretNames = ['DAVIT_NOTIFY', 'DAVIT_IDENTITY', 'DAVIT_PASSWORD', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;

/** Keys do not belong into an address, nor the file of `age-keygen` among the recipients, but somebody may have put them there. */
function withoutKeys(value: string): string {
  return value.replace(/\/\/[^/]*@/, '//…@').replaceAll(/(AGE-SECRET-KEY-)\w+/gi, '$1…');
}

function meant(name: string): string {
  const known = nearest(name, Object.keys(environmentSchema.shape));
  return known === undefined ? '' : ` (did you mean ${known}?)`;
}

const furtherStorage = /^DAVIT_STORAGE_([A-Z0-9_]+)$/;

/** The variable of a further storage. */
export function storageVariable(name: string): string {
  return `DAVIT_STORAGE_${name.toUpperCase().replaceAll('-', '_')}`;
}

function storageName(variable: string): string {
  return (furtherStorage.exec(variable)?.[1] ?? '').toLowerCase().replaceAll('_', '-');
}

/** The typed environment; every problem at once in one error. */
export function parseEnvironment(resolved: Readonly<Record<string, string>>): Environment {
  const known = new Set(Object.keys(environmentSchema.shape));
  const further = Object.entries(resolved).filter(([name]) => furtherStorage.test(name));
  const own = Object.fromEntries(
    Object.entries(resolved).filter(([name]) => known.has(name) || (name.startsWith('DAVIT_') && !furtherStorage.test(name))),
  );
  const locations = further.map(
    ([name, location]) => [storageName(name), environmentSchema.shape.DAVIT_STORAGE.safeParse(location)] as const,
  );
  const result = environmentSchema.safeParse(own, { reportInput: true });
  const wrong = locations.filter(([, location]) => !location.success).map(([name]) => `storage ${name}: ${expectedLocation}`);
  if (result.success && wrong.length === 0)
    return { ...result.data, storages: Object.fromEntries(locations.map(([name, { data }]) => [name, data ?? ''])) };
  const secrets: readonly string[] = secretNames;
  const problems = (result.error?.issues ?? []).map((issue) => {
    if (issue.code === 'unrecognized_keys') return `unknown variable ${issue.keys.map((name) => name + meant(name)).join(', ')}`;
    const name = String(issue.path[0] ?? '');
    return `${name}: ${issue.message}${secrets.includes(name) ? '' : `, got ${withoutKeys(JSON.stringify(issue.input))}`}`;
  });
  throw configurationError({
    where: 'environment',
    what: [...problems, ...wrong].join('; '),
    fix: 'docs/environment.md has every variable',
  });
}
