import { setTimeout as wait } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Command, Container } from '../docker/docker.ts';
import type { Engine, Target } from '../engines/engine.ts';
import { DavitError } from '../model/errors.ts';
import { otherPassword } from './advice.ts';
import type { Service, Stack } from './discover.ts';
import { askFirstStart, isFirstStart } from './first-start.ts';
import { configuredEngine, loginsOf } from './servers.ts';
import { inStartOrder } from './start-order.ts';

const pollMs = 500;
const databaseReadyMs = 180_000;
/** A server that is up, and refuses a login for so long, will go on refusing it. */
const refusedMs = 15_000;
const healthyMs = 120_000;
/** What others wait for to end, such as a migration, takes its time. */
const finishedMs = 600_000;

export interface StartedDatabase {
  /** The login that may do most. */
  readonly target: Target;
  /** Whether the login that the labels name is accepted. */
  readonly byLabels: boolean;
}

/** Starts a database server and waits until the real one accepts a login; the first start of an image runs a temporary one. */
export async function startDatabase(context: Context, service: Service, engine: Engine): Promise<StartedDatabase> {
  const { id } = service.containers[0];
  const { state } = await context.docker.inspect(id);
  if (state === 'paused') await context.docker.unpause(id);
  else if (state !== 'running') await context.docker.start(id);
  if (state !== 'running') context.log.info({ service: service.name }, 'started, waiting for its database');
  let seen = '';
  let refusedSince: number | undefined;
  for (
    const deadline = context.now().getTime() + databaseReadyMs;
    context.now().getTime() < deadline;
    await wait(pollMs, undefined, { signal: context.signal })
  ) {
    const container = await context.docker.inspect(id);
    if (container.state === 'exited' || container.state === 'dead') break;
    const tries = await Promise.all(loginsOf(service).map((target) => logIn(context, id, engine, target)));
    const accepted = tries.filter(({ exitCode }) => exitCode === 0);
    // The container's own superuser rather than one that the labels name: nobody has more rights.
    const best = accepted.findLast(({ mayRestore }) => mayRestore) ?? accepted[0];
    if (best !== undefined) return { target: best.target, byLabels: tries[0]?.exitCode === 0 };
    seen = tries[0]?.stderr.trim().split('\n').at(-1) ?? '';
    refusedSince = tries.every(({ isRefused }) => isRefused) ? (refusedSince ?? context.now().getTime()) : undefined;
    if (refusedSince !== undefined && context.now().getTime() - refusedSince > refusedMs) break;
  }
  throw new DavitError({
    where: `service "${service.name}"`,
    what: `its ${engine.name} server does not accept a login`,
    seen,
    fix: isRefusal(seen) ? otherPassword : `look at \`docker compose logs ${service.name}\``,
  });
}

async function logIn(context: Context, id: string, engine: Engine, target: Target) {
  const ask = (command: Command) => context.docker.run(id, command, { timeoutMs: 10_000, signal: context.signal });
  try {
    const outside = await ask(engine.ready(target));
    const inside = outside.exitCode === 0 ? undefined : engine.readyInside?.(target);
    const { exitCode, stdout, stderr } = inside === undefined ? outside : await ask(inside);
    const wasRefused = exitCode !== 0 && isRefusal(stderr);
    const mayPass = wasRefused || (inside !== undefined && exitCode === 0);
    const isPassing = mayPass && isFirstStart((await ask(askFirstStart())).stdout);
    return { target, exitCode: isPassing ? 1 : exitCode, stderr, mayRestore: stdout.trim() === '1', isRefused: wasRefused && !isPassing };
  } catch (error) {
    if (error instanceof DavitError) return { target, exitCode: 1, stderr: error.message, mayRestore: false, isRefused: false };
    throw error;
  }
}

/** Somebody answered, and does not know this password. */
function isRefusal(stderr: string): boolean {
  return /access denied|authentication failed|NOAUTH|WRONGPASS|invalid password/i.test(stderr);
}

/** Starts what commands run in. Where that is a database server, it is up when it accepts a login, which a set-up one does not. */
export async function startForCommands(context: Context, stack: Stack, commanded: readonly Service[]): Promise<void> {
  await startAndWait(context, stack, commanded);
  for (const service of commanded) {
    const engine = configuredEngine(context.engines, service);
    if (engine === undefined) continue;
    // Its command may know a login that Davit does not.
    await startDatabase(context, service, engine).catch((error: unknown) => {
      if (!(error instanceof DavitError)) throw error;
      context.log.warn({ service: service.name, error: error.message }, 'the restore command runs all the same');
    });
  }
}

/** Starts services, each after what it depends on is healthy, and waits for all of them, once. What runs already is left as it is. */
export async function startAndWait(context: Context, stack: Stack, services: readonly Service[]): Promise<void> {
  const awaited = await startServices(context, stack, services);
  for (const { name, containers } of services) if (!awaited.has(name)) await waitHealthy(context, stack, name, containers);
}

/** Dependencies first. Resolves with those that others had to wait for. */
async function startServices(context: Context, stack: Stack, services: readonly Service[]): Promise<Set<string>> {
  const awaited = new Set<string>();
  for (const { service, containers } of inStartOrder(
    stack,
    services.map(({ name, containers }) => ({ service: name, containers })),
  )) {
    for (const { id } of containers) {
      const { state } = await context.docker.inspect(id);
      if (state === 'running') continue;
      await (state === 'paused' ? context.docker.unpause(id) : context.docker.start(id));
      context.log.info({ service }, 'started');
    }
    if (!isAwaited(stack, service)) continue;
    await waitHealthy(context, stack, service, containers);
    awaited.add(service);
  }
  return awaited;
}

function isAwaited(stack: Stack, name: string): boolean {
  return conditionsOn(stack, name).some((condition) => condition !== 'service_started');
}

function conditionsOn(stack: Stack, name: string): string[] {
  return stack.services.flatMap(({ dependsOn }) => dependsOn.flatMap(({ service, condition }) => (service === name ? [condition] : [])));
}

/** Waits until a service is up: healthy where it has a health check, finished where others need that. Whoever ended with an error is not waited for. */
async function waitHealthy(context: Context, stack: Stack, name: string, own: Service['containers']): Promise<void> {
  const ids = own.map(({ id }) => id);
  const mustFinish = conditionsOn(stack, name).includes('service_completed_successfully');
  const limitMs = mustFinish ? finishedMs : healthyMs;
  for (const deadline = context.now().getTime() + limitMs; ; await wait(pollMs, undefined, { signal: context.signal })) {
    const containers = await Promise.all(ids.map((id) => context.docker.inspect(id)));
    if (containers.every((container) => isUp(container, mustFinish))) return;
    const mayCome = containers.every((container) => container.state !== 'exited' || isUp(container, mustFinish));
    if (mayCome && context.now().getTime() < deadline) continue;
    const seen = containers.map(({ state, exitCode, health }) => `${state}, ${state === 'exited' ? `exit code ${exitCode}` : health}`);
    return context.log.warn(
      { service: name, health: seen.join('; ') },
      mayCome ? `is not ${mustFinish ? 'done' : 'healthy'} yet` : 'ended with an error after its start',
    );
  }
}

/** Waits for those that have only just been started. Not when Davit is told to stop: it has ten seconds. */
export async function untilStarted({ docker, now, signal }: Context, services: readonly Service[]): Promise<void> {
  const ids = services.flatMap(({ containers }) => containers.map(({ id }) => id));
  for (const deadline = now().getTime() + healthyMs; !signal.aborted && now().getTime() < deadline;) {
    const containers = await Promise.all(ids.map((id) => docker.inspect(id)));
    if (containers.every(({ state, health }) => state !== 'running' || health !== 'starting')) return;
    await wait(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

function isUp({ state, health, exitCode }: Container, mustFinish: boolean): boolean {
  if (state === 'exited') return exitCode === 0;
  return !mustFinish && state === 'running' && (health === 'healthy' || health === 'none');
}

/** A service and everything it depends on. */
export function withDependencies(stack: Stack, names: ReadonlySet<string>): Service[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const { service } of stack.services.find((one) => one.name === name)?.dependsOn ?? []) visit(service);
  };
  for (const name of names) visit(name);
  return stack.services.filter(({ name }) => found.has(name));
}

/** Everything that depends on one of these services. */
export function dependents(stack: Stack, names: ReadonlySet<string>): Set<string> {
  return new Set(
    stack.services
      .filter(({ name }) => !names.has(name) && withDependencies(stack, new Set([name])).some((service) => names.has(service.name)))
      .map(({ name }) => name),
  );
}
