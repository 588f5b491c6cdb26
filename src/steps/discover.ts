import { readLabelsFile } from '../config/labels-file.ts';
import { prefix, type ServiceLabels, type SetSettings } from '../config/labels.ts';
import { parseLabels } from '../config/parse-labels.ts';
import { setName } from '../config/values.ts';
import type { Context } from '../context.ts';
import { composeLabels, parseCompose } from '../docker/compose.ts';
import type { Container } from '../docker/docker.ts';
import { configurationError, type DavitError } from '../model/errors.ts';
import { secretValues } from './secret-values.ts';

export interface Service {
  readonly name: string;
  /** Running ones first, then by number. */
  readonly containers: readonly [Container, ...Container[]];
  /** undefined: takes no part, or its labels are wrong (see `problems`). */
  readonly labels: ServiceLabels | undefined;
  /** The set that it names, which is known also where another of its labels is wrong. */
  readonly set: string | undefined;
  /** By `davit.enable=false`. */
  readonly optedOut: boolean;
  readonly problems: readonly DavitError[];
  readonly dependsOn: readonly { readonly service: string; readonly condition: string }[];
  /** Davit's own service, also where this process runs beside it, in a container of `docker compose run`. */
  readonly own: boolean;
  /** What labels say about sets; only Davit's own service may. */
  readonly sets: ReadonlyMap<string, SetSettings>;
}

export interface Stack {
  readonly name: string;
  /** The container that this process runs in. */
  readonly own: Container;
  readonly services: readonly Service[];
  /** What `docker compose run` has started and still runs: nobody's to stop. */
  readonly passing: readonly Container[];
}

/** Everything of the compose project that Davit belongs to, by the labels that compose writes. */
export async function discover(context: Context): Promise<Stack> {
  const own = await ownContainer(context);
  const name = context.environment.DAVIT_STACK ?? own.labels[composeLabels.project];
  if (name === undefined) {
    throw configurationError({
      where: 'stack',
      what: 'this container belongs to no compose project',
      fix: 'start Davit as a service of the stack, or set DAVIT_STACK',
    });
  }
  const all = await context.docker.containers([`${composeLabels.project}=${name}`]);
  const regular = all.filter(({ labels }) => parseCompose(labels)?.oneoff === false);
  const passing = all.filter(({ id, state, labels }) => parseCompose(labels)?.oneoff === true && state === 'running' && id !== own.id);
  if (regular.length === 0 && own.labels[composeLabels.project] !== name)
    throw configurationError({
      where: 'DAVIT_STACK',
      what: 'names a compose project that has no container here',
      seen: name,
      fix: '`docker compose ls --all` shows the names',
    });
  const groups = Map.groupBy(regular, (container) => parseCompose(container.labels)?.service ?? container.name);
  const ownName = ownServiceName(own, name, groups);
  // Of another stack, or as of `docker compose run` where the daemon was never started: its labels count all the same.
  if (!groups.has(ownName)) groups.set(ownName, [own]);
  const containers = [...groups.values()].flat();
  context.redactor.protect(secretValues(containers));
  for (const { command, env } of containers) context.redactor.protectOptions([...command, ...Object.values(env)]);
  const fromFile = readLabelsFile(context.environment.DAVIT_LABELS_FILE);
  const strangers = Object.keys(fromFile)
    .filter((service) => !groups.has(service))
    .map((service) =>
      configurationError({
        where: 'DAVIT_LABELS_FILE',
        what: 'names a service that the stack does not have',
        seen: service,
        fix: `it has ${[...groups.keys()].join(', ')}`,
      }),
    );
  return {
    name,
    own,
    passing,
    services: [...groups]
      .map(([service, members]) => toService(service, members, service === ownName, fromFile[service] ?? {}))
      .map((service) => (service.own ? { ...service, problems: [...service.problems, ...strangers] } : service))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}

/** What Davit's own service is called. In a stack that is not its own, it must not be taken for a service of that. */
function ownServiceName({ name, labels }: Container, stack: string, services: ReadonlyMap<string, unknown>): string {
  const { project, service = name } = parseCompose(labels) ?? {};
  return project === stack || !services.has(service) ? service : name;
}

async function ownContainer({ docker }: Context): Promise<Container> {
  const id = await docker.self();
  if (id === undefined) {
    throw configurationError({
      where: 'davit',
      what: 'cannot tell which container this is',
      fix: 'run Davit as a container with the Docker socket mounted; see README.md',
    });
  }
  return docker.inspect(id);
}

function toService(name: string, members: readonly Container[], isOwn: boolean, fromFile: Readonly<Record<string, string>>): Service {
  const number = ({ labels }: Container): number => parseCompose(labels)?.number ?? 1;
  const [first, ...rest] = members.toSorted(
    (a, b) => Number(b.state === 'running') - Number(a.state === 'running') || number(a) - number(b),
  );
  if (first === undefined) throw new Error(`service ${name} without containers`);
  const raw = { ...fromFile, ...first.labels };
  const { labels, sets, problems } = parseLabels(name, raw);
  const takesPart = Object.keys(raw).some((label) => label.startsWith(prefix) && !label.startsWith(`${prefix}set.`));
  const optedOut = raw[`${prefix}enable`] === 'false';
  const member = takesPart && labels?.enable === true ? labels : undefined;
  return {
    name,
    containers: [first, ...rest],
    labels: member,
    set: member?.set ?? (optedOut ? undefined : setName.safeParse(raw[`${prefix}set`]).data),
    optedOut,
    problems: [...(optedOut ? [] : problems), ...(sets.size > 0 && !isOwn ? [misplaced(name)] : [])],
    dependsOn: parseCompose(first.labels)?.dependsOn ?? [],
    own: isOwn,
    sets,
  };
}

function misplaced(service: string): DavitError {
  return configurationError({
    where: `service "${service}"`,
    what: "labels davit.set.* belong on Davit's own service",
    fix: 'move them there',
  });
}

/** What the labels of Davit's own service say about a set. */
export function settingsOf(stack: Stack, set: string): SetSettings {
  return stack.services.find(({ own }) => own)?.sets.get(set) ?? {};
}
