import { setTimeout as wait } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Container, Mount } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import type { Service, Stack } from './discover.ts';
import { untilStarted } from './lifecycle.ts';
import { overlaps, placeOf } from './places.ts';
import { inStartOrder } from './start-order.ts';

export type QuiesceMode = 'stop' | 'pause';

/** A service that stands still for a while, with the containers of it that were running. */
export interface Standstill {
  readonly service: string;
  readonly mode: QuiesceMode;
  readonly during: 'set' | 'files';
  readonly timeoutMs: number;
  readonly containers: readonly string[];
}

const patienceMs = 30_000;

/** As long as its label says; without one, as long as compose would wait, and not less than this. */
export function stopTimeoutOf({ labels, containers }: Service, leastMs = patienceMs): number {
  return labels?.['quiesce.timeout'] ?? Math.max(leastMs, ...containers.map(({ stopTimeoutMs = 0 }) => stopTimeoutMs));
}

/** Which services have to stand still: those that ask for it, and whoever else writes a volume of theirs that is archived. Never a database that is to be dumped, never Davit. */
export function planStandstills(stack: Stack, plan: Plan): Standstill[] {
  const commanded = new Set(plan.sources.filter(({ kind }) => kind === 'command').map(({ service }) => service));
  const asking = stack.services.filter(({ labels }) => labels?.set === plan.set && labels.quiesce !== 'none');
  const chosen = new Map<string, Standstill>();
  for (const asker of asking) {
    if (asker.labels === undefined || asker.labels.quiesce === 'none') continue;
    const { quiesce: mode, 'quiesce.during': wanted } = asker.labels;
    for (const service of [asker, ...fellowWriters(stack, plan, asker)]) {
      if (service.own || plan.dumped.includes(service.name)) continue;
      const containers = service.containers.filter(({ state }) => isActive(state)).map(({ name }) => name);
      // A command needs a container that runs.
      const during = commanded.has(service.name) ? 'files' : wanted;
      const timeoutMs = asking.includes(service) ? stopTimeoutOf(service) : Math.max(stopTimeoutOf(service, 0), stopTimeoutOf(asker));
      const asked = { service: service.name, mode, during, timeoutMs, containers };
      if (containers.length > 0) chosen.set(service.name, stricter(asked, chosen.get(service.name)));
    }
  }
  return inStartOrder(stack, [...chosen.values()]);
}

/** Whoever is asked by several stands still as each of them needs it. */
function stricter(one: Standstill, other: Standstill = one): Standstill {
  return {
    ...one,
    mode: other.mode === 'stop' ? 'stop' : one.mode,
    during: other.during === 'set' ? 'set' : one.during,
    timeoutMs: Math.max(one.timeoutMs, other.timeoutMs),
  };
}

/** What Docker is about to restart would come up in the middle. */
function isActive(state: Container['state']): boolean {
  return state === 'running' || state === 'restarting';
}

function fellowWriters(stack: Stack, plan: Plan, asker: Service): Service[] {
  const among = (places: readonly string[]) => (mount: Mount) => places.some((place) => overlaps(place, placeOf(mount)));
  const archived = plan.sources.flatMap((source) => (source.kind === 'files' ? [placeOf(source.mount)] : []));
  const shared = asker.containers.flatMap(({ mounts }) => mounts.filter(among(archived)).map((mount) => placeOf(mount)));
  const writes = ({ mounts }: Container): boolean => mounts.some((mount) => mount.writable && among(shared)(mount));
  return stack.services.filter((service) => service !== asker && service.containers.some(writes));
}

/** Dependents first. `warn` hears of those that did not stop in time: they were cut off in the middle of what they did. */
export async function quiesce(
  context: Context,
  standstills: readonly Standstill[],
  warn: (warning: string) => void = () => undefined,
): Promise<void> {
  for (const { service, mode, timeoutMs, containers } of standstills.toReversed()) {
    for (const container of containers) {
      if (mode === 'pause') await context.docker.pause(container);
      else if (await wasKilled(context, container, timeoutMs))
        warn(
          `service "${service}": ${container} did not stop within ${timeoutMs / 1000} s and was killed, so its files may be torn — \`davit.quiesce.timeout\` gives it more time; \`init: true\` in compose where its program does not hear SIGTERM`,
        );
    }
    context.log.info({ service }, mode === 'stop' ? 'stopped' : 'paused');
  }
}

const killed = 128 + 9;

/** Stops a container. True: it had to be killed for that. */
async function wasKilled({ docker }: Context, container: string, timeoutMs: number): Promise<boolean> {
  const start = performance.now();
  await docker.stop(container, timeoutMs);
  if (performance.now() - start < timeoutMs) return false;
  return docker.inspect(container).then(
    ({ exitCode }) => exitCode === killed,
    () => false,
  );
}

/** Throws unless nobody is left who would have to be stopped now: whom somebody else has started meanwhile, as `docker compose up` does, may have written what is being read or put back. */
export function requireStill(left: readonly Standstill[]): void {
  if (left.length === 0) return;
  throw new DavitError({
    where: left.map(({ service }) => `service "${service}"`).join(', '),
    what: 'ran while it had to stand still, so what was read or put back meanwhile may be torn',
    seen: left.flatMap(({ containers }) => containers).join(', '),
    fix: 'do it again, and let nothing start the stack until it is done (`docker compose up`, a tool that updates containers)',
  });
}

/**
 * Dependencies first, and healthy where compose would wait for that: an app that ends when it does not find its server would stay down. Looks at what each container
 * is now, so that it can be repeated; tries all of them before it reports the first that would not come back.
 * Resolves with what is gone, as after `docker system prune`.
 */
export async function resume(
  context: Context,
  stack: Stack,
  standstills: readonly Standstill[],
  resumed: (service: string) => void = () => undefined,
): Promise<string[]> {
  const errors: unknown[] = [];
  const warnings: string[] = [];
  const named = (service: string): Service[] => stack.services.filter(({ name }) => name === service);
  const isAwaited = (service: string): boolean =>
    standstills
      .flatMap((other) => named(other.service))
      .some(({ dependsOn }) => dependsOn.some((one) => one.service === service && one.condition === 'service_healthy'));
  for (const { service, containers } of inStartOrder(stack, standstills)) {
    for (const name of containers) {
      try {
        if (!(await resumeOne(context, stack, service, name)))
          warnings.push(
            `service "${service}": ${name} was removed while it stood still, so it runs no more — \`docker compose up -d ${service}\``,
          );
      } catch (error) {
        errors.push(error);
      }
    }
    resumed(service);
    if (isAwaited(service)) await untilStarted(context, named(service)).catch((error: unknown) => errors.push(error));
  }
  for (const warning of warnings) context.log.warn({}, warning);
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors);
  return warnings;
}

/** Compose may have recreated the container meanwhile: the service says which one is meant. False: there is none. */
async function resumeOne({ docker, log }: Context, stack: Stack, service: string, name: string): Promise<boolean> {
  const known = stack.services.find((one) => one.name === service)?.containers ?? [];
  const wanted = known.find((container) => container.name === name) ?? known[0];
  if (wanted === undefined) return false;
  const { id, state } = await docker.inspect(wanted.id);
  if (state === 'paused') await docker.unpause(id);
  else if (state !== 'running') await docker.start(id);
  if (state !== 'running') log.info({ service }, 'resumed');
  return true;
}

const lookMs = 500;
const killedWithinMs = 2000;

/**
 * Docker goes on with a stop that a killed Davit has asked for, and shows it to nobody: who still runs may end later, and nobody would start it. Resolves when it has
 * ended, or would have; the others come back at once.
 */
export async function outwaitStops(context: Context, stack: Stack, standstills: readonly Standstill[]): Promise<void> {
  const isRunning = (id: string): Promise<boolean> =>
    context.docker.inspect(id).then(
      ({ state }) => state === 'running',
      () => false,
    );
  const stopped = standstills.flatMap(({ service, mode, containers, timeoutMs }) =>
    (mode === 'stop' ? (stack.services.find(({ name }) => name === service)?.containers ?? []) : [])
      .filter(({ name }) => containers.includes(name))
      .map(({ id }) => ({ id, untilMs: performance.now() + timeoutMs + killedWithinMs })),
  );
  const running = (await Promise.all(stopped.map(async (one) => ((await isRunning(one.id)) ? [one] : [])))).flat();
  if (running.length === 0) return;
  // What would not come back is told of by the next try.
  await resume(context, stack, standstills).catch(() => undefined);
  for (const { id, untilMs } of running)
    while (performance.now() < untilMs && (await isRunning(id))) {
      context.signal.throwIfAborted();
      await wait(lookMs, undefined, { signal: context.signal }).catch(() => undefined);
    }
}
