import { prefix, type ServiceLabels } from '../config/labels.ts';
import { parseLabels } from '../config/parse-labels.ts';
import type { Context } from '../context.ts';
import { type ComposeIdentity, composeLabels, parseCompose } from '../docker/compose.ts';
import type { Container } from '../docker/docker.ts';
import { configurationError, type DavitError } from '../model/errors.ts';

export interface Service {
  readonly name: string;
  /** Running ones first, then by number. */
  readonly containers: readonly [Container, ...Container[]];
  /** undefined: takes no part, or its labels are wrong (see `problems`). */
  readonly labels: ServiceLabels | undefined;
  readonly problems: readonly DavitError[];
  readonly dependsOn: readonly { readonly service: string; readonly condition: string }[];
  /** Davit's own service. */
  readonly own: boolean;
}

export interface Stack {
  readonly name: string;
  /** The container that this process runs in. */
  readonly own: Container;
  readonly services: readonly Service[];
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
  const containers = (await context.docker.containers([`${composeLabels.project}=${name}`])).filter(
    ({ labels }) => parseCompose(labels)?.oneoff === false,
  );
  context.redactor.protect(
    containers.flatMap(({ env }) => Object.entries(env).flatMap(([key, value]) => (isSecretName(key) ? [value] : []))),
  );
  const groups = Map.groupBy(containers, (container) => identityOf(container).service);
  return {
    name,
    own,
    services: [...groups].map(([service, members]) => toService(service, members, own)).toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}

/** Values of variables that are named like a secret are never printed; a path in a `_FILE` variable is none. */
function isSecretName(name: string): boolean {
  return /PASS|SECRET|TOKEN|(^|_)KEY/i.test(name) && !name.endsWith('_FILE');
}

function identityOf({ name, labels }: Container): ComposeIdentity {
  const identity = parseCompose(labels);
  if (identity === undefined) throw new Error(`container ${name} is of no compose project`);
  return identity;
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

function toService(name: string, members: readonly Container[], own: Container): Service {
  const number = (container: Container): number => identityOf(container).number;
  const [first, ...rest] = members.toSorted(
    (a, b) => Number(b.state === 'running') - Number(a.state === 'running') || number(a) - number(b),
  );
  if (first === undefined) throw new Error(`service ${name} without containers`);
  const labelled = Object.keys(first.labels).some((label) => label.startsWith(prefix) && !label.startsWith(`${prefix}set.`));
  const { labels, problems } = labelled ? parseLabels(name, first.labels) : { labels: undefined, problems: [] };
  return {
    name,
    containers: [first, ...rest],
    labels: labels?.enable === true ? labels : undefined,
    problems,
    dependsOn: identityOf(first).dependsOn,
    own: members.some((container) => container.id === own.id),
  };
}
