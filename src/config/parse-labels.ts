import type { z } from 'zod';
import { configurationError, type DavitError } from '../model/errors.ts';
import {
  type CommandLabel,
  commandSchema,
  type Hook,
  type HookPhase,
  hookPhases,
  hookSchema,
  labels,
  labelSchema,
  prefix,
  type ServiceLabels,
  setSchema,
  type SetSettings,
} from './labels.ts';
import { distance, nearest } from './nearest.ts';

const hookKey =
  /^hook\.(before-restore|after-restore|after-dump|before|after)(?:\.(\d+))?(?:\.(user|stdin|timeout|on-error|fail-on-output))?$/;

const commandKey = /^command\.([a-z0-9][a-z0-9_-]{0,62})(?:\.(collect|restore|restore\.put|user|timeout))?$/;

/** Labels of Davit's own service that tune a set. */
const setKey = /^set\.([a-z0-9][a-z0-9_-]*)\.(schedule|keep|needed-by|storage)$/;

/** `Davit.enable`, `davit_enable`, `davit`: whoever writes that means Davit, and would not be heard. */
const likePrefix = /^davit($|[._])/i;

/** All problems of a service at once; `labels` is undefined when there is one, because a guess would be a silent loss. */
export function parseLabels(
  service: string,
  raw: Readonly<Record<string, string>>,
): { labels?: ServiceLabels; sets: ReadonlyMap<string, SetSettings>; problems: DavitError[] } {
  const problems: DavitError[] = [];
  const plain: Record<string, string> = {};
  const hooks = new Map<string, Record<string, string>>();
  const commands = new Map<string, Record<string, string>>();
  const settings = new Map<string, Record<string, string>>();

  for (const [label, value] of Object.entries(raw)) {
    if (!label.startsWith(prefix)) {
      if (likePrefix.test(label)) problems.push(misspelt(service, label));
      continue;
    }
    const key = label.slice(prefix.length);
    const hook = hookKey.exec(key);
    const command = commandKey.exec(key);
    const set = setKey.exec(key);
    if (hook !== null) {
      const id = `${hook[1]}.${hook[2] ?? ''}`;
      hooks.set(id, { ...hooks.get(id), [hook[3] ?? 'command']: value });
    } else if (Object.hasOwn(labels, key)) plain[key] = value;
    else if (command !== null) commands.set(command[1] ?? '', { ...commands.get(command[1] ?? ''), [command[2] ?? 'command']: value });
    else if (set !== null) settings.set(set[1] ?? '', { ...settings.get(set[1] ?? ''), [set[2] ?? '']: value });
    else problems.push(unknownLabel(service, key));
  }

  const parsed = labelSchema.safeParse(plain, { reportInput: true });
  if (!parsed.success) problems.push(...complain(service, (path) => prefix + path, parsed.error));
  const parsedHooks: Hook[] = [];
  for (const [id, options] of hooks) {
    const [phase = '', name = ''] = id.split('.');
    const result = hookSchema.safeParse(options, { reportInput: true });
    const base = `${prefix}hook.${phase}${name === '' ? '' : `.${name}`}`;
    if (result.success) parsedHooks.push({ ...result.data, phase: phase as HookPhase, name });
    else problems.push(...complain(service, (path) => (path === 'command' ? base : `${base}.${path}`), result.error));
  }
  const parsedCommands: CommandLabel[] = [];
  for (const [name, options] of commands) {
    const result = commandSchema.safeParse(options, { reportInput: true });
    const base = `${prefix}command.${name}`;
    if (result.success) parsedCommands.push({ ...result.data, name });
    else problems.push(...complain(service, (path) => (path === 'command' ? base : `${base}.${path}`), result.error));
  }
  const sets = new Map<string, SetSettings>();
  for (const [name, options] of settings) {
    const result = setSchema.safeParse(options, { reportInput: true });
    if (!result.success) problems.push(...complain(service, (path) => `${prefix}set.${name}.${path}`, result.error));
    sets.set(name, result.success ? result.data : remaining(options, result.error));
  }
  if (problems.length > 0 || !parsed.success) return { sets, problems };
  const sortedHooks = parsedHooks.toSorted((a, b) => Number(a.name) - Number(b.name));
  return { labels: { ...parsed.data, hooks: sortedHooks, commands: parsedCommands }, sets, problems };
}

/** What is right about a set when a part is not. A storage stays whatever it is called: the snapshot must not go elsewhere. */
function remaining(options: Readonly<Record<string, string>>, error: z.ZodError): SetSettings {
  const wrong = new Set(error.issues.map(({ path }) => path[0]));
  const right = setSchema.parse(Object.fromEntries(Object.entries(options).filter(([key]) => !wrong.has(key))));
  return options['storage'] === undefined ? right : { ...right, storage: options['storage'] };
}

function complain(service: string, label: (path: string) => string, error: z.ZodError): DavitError[] {
  return error.issues.map((issue) =>
    configurationError({
      where: `service "${service}"`,
      what: `label ${label(issue.path.join('.').replace(/\.\d+$/, ''))}: ${issue.message}`,
      seen: issue.input === undefined ? 'nothing' : JSON.stringify(issue.input),
      fix: 'correct the label and run `docker compose up -d`; docs/labels.md has every label',
    }),
  );
}

function misspelt(service: string, label: string): DavitError {
  const fix = `labels begin with ${prefix} in lower case, such as ${prefix}enable`;
  return configurationError({ where: `service "${service}"`, what: `unknown label ${label}`, fix });
}

function unknownLabel(service: string, key: string): DavitError {
  if (key === 'dump.password') {
    return configurationError({
      where: `service "${service}"`,
      what: `label ${prefix}dump.password is refused, because labels can be read by everybody who can reach Docker`,
      fix: `name the variable or file that holds it inside the container: ${prefix}dump.password-env or ${prefix}dump.password-file`,
    });
  }
  const known = [...Object.keys(labels), ...hookPhases.map((phase) => `hook.${phase}`), ...commandsLike(key), ...setsLike(key)];
  const meant = nearest(key, known);
  const suggestion = meant === undefined ? 'docs/labels.md has every label' : `did you mean ${prefix}${meant}?`;
  return configurationError({ where: `service "${service}"`, what: `unknown label ${prefix}${key}`, fix: suggestion });
}

/** What a label that looks like one of a command may mean: its name is a person's own, only the rest can be guessed. */
function commandsLike(key: string): string[] {
  const [first = '', name = ''] = key.split('.');
  if (distance(first, 'command') > 2) return [];
  const base = `command.${name.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-') || '<name>'}`;
  return Object.keys(commandSchema.shape).map((option) => (option === 'command' ? base : `${base}.${option}`));
}

/** As for commands: the name of the set is a person's own. */
function setsLike(key: string): string[] {
  const [first = '', name = ''] = key.split('.');
  return distance(first, 'set') > 1 || name === '' ? [] : Object.keys(setSchema.shape).map((option) => `set.${name}.${option}`);
}
