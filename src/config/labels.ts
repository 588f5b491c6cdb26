import { z } from 'zod';
import { cron } from './cron.ts';
import { absolutePath, absolutePaths, duration, flag, globs, keep, list, setName, variableName, wholeNumber, words } from './values.ts';

/** This file is the single source of truth for labels: nothing else reads a raw label, and docs/labels.md is generated from it. */

export const prefix = 'davit.';

const engineNames = ['auto', 'mariadb', 'mysql', 'postgres', 'mongodb', 'redis', 'none'] as const;

/** `example` and `default` go into the generated page. */
export const labels = {
  enable: flag.default(true).meta({
    default: 'true',
    example: 'false',
    description:
      'Takes part in backups. `true` is enough as the only label of a service; `false` leaves out a service that has other labels.',
  }),
  set: setName.default('default').meta({
    default: 'default',
    example: 'shop',
    description: 'The consistency set: all sources of a set are captured as one unit and become one snapshot.',
  }),
  order: wholeNumber.default(0).meta({ default: '0', example: '10', description: 'Lower comes first, inside each phase of a run.' }),
  dump: z
    .enum(engineNames, { error: `expected one of ${engineNames.join(', ')}` })
    .default('auto')
    .meta({
      default: 'auto',
      example: 'postgres',
      description:
        'How the database of this service is dumped. `auto` recognises it by image name, by variables and by the running programs; `none` dumps nothing.',
    }),
  'dump.databases': list
    .pipe(z.array(z.string()).min(1, { error: 'expected * or at least one name' }))
    .default(['*'])
    .meta({
      default: '*',
      example: 'shop,stats',
      description:
        'Which databases; `*` is every user database. Each becomes its own artifact; of MongoDB, `*` is the whole server in one.',
    }),
  'dump.user': z.string().min(1).optional().meta({
    example: 'backup',
    description: 'User to log in with. Default: what the container itself was configured with (root or the superuser).',
  }),
  'dump.password-env': variableName
    .optional()
    .meta({ example: 'BACKUP_PASSWORD', description: "Name of the variable *inside the service's container* that holds the password." }),
  'dump.password-file': absolutePath.optional().meta({
    example: '/run/secrets/db_password',
    description: "Path *inside the service's container* of the file that holds the password.",
  }),
  'dump.options': words
    .default([])
    .meta({ default: '', example: '--ignore-table=shop.cache', description: 'Extra arguments for the dump tool.' }),
  files: z
    .union([z.enum(['auto', 'none']), absolutePaths], { error: 'expected auto, none or a list of absolute paths inside the container' })
    .default('auto')
    .meta({
      default: 'auto',
      example: '/data,/config',
      description:
        'Which file trees, as container paths. `auto`: every writable volume and bind mount, but none where a database of this service is dumped. Volumes mounted below a path are followed; a volume that several services share is stored once. Snapshots and the files of a dumped database are left out, wherever they lie.',
    }),
  'files.include': globs
    .default([])
    .meta({ default: '', example: '/data/config/**', description: 'Only what matches one of these globs of container paths.' }),
  'files.exclude': globs.default([]).meta({
    default: '',
    example: '/data/cache/**,/data/**/*.tmp',
    description:
      'Not what matches one of these globs of container paths; the path of a volume leaves out all of it. Of a volume that several services share, nothing is left out unless their globs agree.',
  }),
  sqlite: z
    .union([z.enum(['auto', 'none']), globs], { error: 'expected auto, none or globs of absolute paths inside the container' })
    .default('auto')
    .meta({
      default: 'auto',
      example: '/data/**/*.db',
      description:
        'Which SQLite databases in the file trees are found by their first bytes and stored as a safe copy with every committed row, instead of as they lie there. Globs of container paths: only those that match.',
    }),
  quiesce: z.enum(['none', 'stop', 'pause'], { error: 'expected none, stop or pause' }).default('none').meta({
    default: 'none',
    example: 'stop',
    description:
      'What happens to this service while its set is captured. Every other service of the stack that writes one of its archived volumes gets the same treatment; a database that is dumped never.',
  }),
  'quiesce.during': z.enum(['set', 'files'], { error: 'expected set or files' }).default('set').meta({
    default: 'set',
    example: 'files',
    description: '`set`: from before the first dump until the last file; `files`: only while files are read.',
  }),
  'quiesce.timeout': duration.optional().meta({
    example: '2m',
    description:
      "How long the service may take to stop before it is killed. Without this label 30 s, or compose's `stop_grace_period` where that is longer.",
  }),
} as const;

export const labelSchema = z.strictObject(labels);

export const hookPhases = ['before', 'after-dump', 'after', 'before-restore', 'after-restore'] as const;
export type HookPhase = (typeof hookPhases)[number];

/** Options of one hook; the command itself stands under the bare key. */
export const hookSchema = z.strictObject({
  command: z
    .string({ error: 'expected a shell command' })
    .min(1, { error: 'expected a shell command' })
    .meta({ example: 'occ maintenance:mode --on', description: 'Shell command, run by `sh -c` in the container, never with a terminal.' }),
  user: z.string().min(1).optional().meta({ example: 'www-data', description: 'User inside the container.' }),
  stdin: z.string().optional().meta({ example: 'yes', description: 'Text that the command reads; a line break is added.' }),
  timeout: duration
    .default(600_000)
    .meta({ default: '10m', example: '1h', description: 'After this long the command is ended and counts as failed.' }),
  'on-error': z
    .enum(['fail', 'warn'], { error: 'expected fail or warn' })
    .default('fail')
    .meta({ default: 'fail', example: 'warn', description: 'Whether a failure makes the set incomplete.' }),
  'fail-on-output': z.string().min(1).optional().meta({
    example: 'Command failed',
    description: 'Text that means failure when it appears in the output, for tools that exit with 0 all the same.',
  }),
});

export interface Hook extends z.output<typeof hookSchema> {
  readonly phase: HookPhase;
  /** Hooks of a phase run by name; a bare `davit.hook.before` has an empty one. */
  readonly name: string;
}

/** Options of one command whose output is stored; the command itself stands under the bare key. */
export const commandSchema = z.strictObject({
  command: z.string({ error: 'expected a shell command' }).min(1, { error: 'expected a shell command' }).meta({
    example: 'forgejo dump --file -',
    description:
      'Shell command, run by `sh -c` in the container while the databases are dumped. Its stdout becomes the artifact `<name>`; another exit code than 0 and an empty output are failures.',
  }),
  collect: absolutePath.optional().meta({
    example: '/backup/db_???.tar.gz',
    description:
      'Instead of stdout: the file that the command writes, as a path or a glob of the shell, where `*` does not match `/`. It must be newer than the start of the command; no such file, two of them, an empty one, and one that still changes are failures.',
  }),
  restore: z
    .string()
    .min(1)
    .optional()
    .meta({ example: 'restore --yes', description: 'Shell command that restores: it reads the artifact on stdin, to the end.' }),
  'restore.put': absolutePath.optional().meta({
    example: '/backup/restore.tar.gz',
    description:
      'The artifact is written to this path in the container first; `.restore` then runs without it on stdin. Without `.restore`, that is all.',
  }),
  user: z.string().min(1).optional().meta({ example: 'postgres', description: 'User inside the container, for all of it.' }),
  timeout: duration.default(3_600_000).meta({
    default: '1h',
    example: '6h',
    description: 'After this long without any output, or without reading any input, a command counts as hung.',
  }),
});

export interface CommandLabel extends z.output<typeof commandSchema> {
  readonly name: string;
}

/** Options of one set, on Davit's own service. */
export const setSchema = z.strictObject({
  schedule: cron.optional().meta({ example: '0 4 * * 0', description: 'When this set is backed up, instead of `DAVIT_SCHEDULE`.' }),
  keep: keep.optional().meta({ example: 'last=2,weekly=8', description: 'Which snapshots of this set stay, instead of `DAVIT_KEEP`.' }),
  'needed-by': list
    .pipe(z.array(setName).min(1, { error: 'expected the name of another set' }))
    .optional()
    .meta({
      example: 'default',
      description: 'Sets whose snapshots need those of this one: of each of theirs that stays, the one that belongs to it stays as well.',
    }),
  // In the name of its variable both are `_`.
  storage: setName
    .transform((name) => name.replaceAll('_', '-'))
    .optional()
    .meta({
      example: 'images',
      description: 'Where this set goes, instead of `DAVIT_STORAGE`: the name of a variable `DAVIT_STORAGE_<NAME>`.',
    }),
});
export type SetSettings = z.output<typeof setSchema>;

export interface ServiceLabels extends z.output<typeof labelSchema> {
  readonly hooks: readonly Hook[];
  readonly commands: readonly CommandLabel[];
}
