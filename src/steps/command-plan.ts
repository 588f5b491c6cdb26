import { posix } from 'node:path';
import type { CommandLabel } from '../config/labels.ts';
import { configurationError, DavitError } from '../model/errors.ts';
import type { CommandSource, Problem } from '../model/plan.ts';
import type { Service } from './discover.ts';

/** What the commands of these services would store. `taken`: the names that databases of a service have. */
export function planCommands(
  services: readonly Service[],
  taken: (service: string) => ReadonlySet<string>,
): { sources: CommandSource[]; problems: Problem[] } {
  const sources: CommandSource[] = [];
  const problems: Problem[] = [];
  for (const service of services) {
    for (const label of service.labels?.commands ?? []) {
      const problem = obstacle(service, label, taken(service.name));
      if (problem === undefined) sources.push(toSource(service, label));
      else problems.push(problem);
    }
  }
  return { sources, problems };
}

function toSource(service: Service, { name, command, collect, ...label }: CommandLabel): CommandSource {
  return {
    kind: 'command',
    service: service.name,
    name,
    order: service.labels?.order ?? 0,
    engine: 'command',
    extension: extensionOf(collect),
    command,
    ...(collect === undefined ? {} : { collect }),
    restorable: isRestorable(label),
  };
}

function obstacle(
  { name: service, containers: [{ state }] }: Service,
  { name }: CommandLabel,
  taken: ReadonlySet<string>,
): Problem | undefined {
  const where = `service "${service}"`;
  if (taken.has(name)) {
    const what = `davit.command.${name} has the name of one of its databases`;
    return { service, error: configurationError({ where, what, fix: 'give the command another name' }) };
  }
  if (state === 'running') return undefined;
  const what = `davit.command.${name} cannot run: the container is ${state}`;
  // What was never started has nothing yet that a restore would have to save first.
  return {
    service,
    absent: state === 'created',
    error: new DavitError({ where, what, fix: `start it with \`docker compose up -d ${service}\`` }),
  };
}

/** That of the file, as far as the glob tells it: `tar.gz`, `sql`. */
export function extensionOf(collect: string | undefined): string {
  return /\.((?:[A-Za-z]+\.)?[A-Za-z][A-Za-z0-9]*)$/.exec(posix.basename(collect ?? ''))?.[1] ?? 'out';
}

export function isRestorable({ restore, 'restore.put': put }: Pick<CommandLabel, 'restore' | 'restore.put'>): boolean {
  return restore !== undefined || put !== undefined;
}

/** The label that the service has now: it knows the stack as it is, which need not be what it was when the snapshot was made. */
export function commandOf(service: Service, name: string): CommandLabel {
  const label = service.labels?.commands.find((one) => one.name === name);
  if (label !== undefined) return label;
  throw configurationError({
    where: `service "${service.name}"`,
    what: `has no label davit.command.${name} now, so nothing says how ${service.name}/${name} goes back`,
    seen: service.problems.map(({ message }) => message).join('; ') || undefined,
    fix: `add it, with .restore or .restore.put behind it, or without to leave this artifact alone; \`davit cat\` and --to give its bytes`,
  });
}
