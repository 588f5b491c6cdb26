import { parseEnvironment } from '../../src/config/environment.ts';
import type { Context } from '../../src/context.ts';
import type { Command, Container, Docker, Finished } from '../../src/docker/docker.ts';
import { engines } from '../../src/engines/index.ts';
import type { Log } from '../../src/log.ts';
import { DavitError } from '../../src/model/errors.ts';
import { createRedactor } from '../../src/redactor.ts';
import { composeContainer } from './builders.ts';

export interface FakeStack {
  readonly containers: readonly Container[];
  /** The container that Davit runs in; `undefined`: none. */
  readonly self?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** What a container answers to a command. */
  readonly answer?: (container: Container, command: Command) => Partial<Finished>;
  readonly processes?: Readonly<Record<string, readonly string[]>>;
}

/** Davit's own container, as a service of the stack. */
export const ownContainer = composeContainer('davit', {
  mounts: [{ type: 'volume', source: 'shop_backups', destination: '/backups', writable: true }],
});

/** A context that knows only these containers. It answers questions and cannot change anything: every other call is an error. */
export function fakeContext(fake: FakeStack): Context {
  const all = [...fake.containers, ownContainer];
  const inspect = (id: string): Container => {
    const found = all.find((container) => container.id === id);
    if (found === undefined) throw new DavitError({ where: id, what: 'there is no such container' });
    return found;
  };
  const docker: Pick<Docker, 'self' | 'containers' | 'inspect' | 'processes' | 'run'> = {
    self: async () => ('self' in fake ? fake.self : ownContainer.id),
    containers: async (labels) =>
      all.filter((container) =>
        labels.every((label) => Object.entries(container.labels).some(([key, value]) => `${key}=${value}` === label)),
      ),
    inspect: async (id) => inspect(id),
    processes: async (id) => [...(fake.processes?.[inspect(id).name] ?? [])],
    run: async (id, command) => ({ exitCode: 0, stdout: '', stderr: '', ...fake.answer?.(inspect(id), command) }),
  };
  const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const known: Pick<Context, 'environment' | 'docker' | 'engines' | 'log' | 'notifiers' | 'redactor' | 'signal' | 'version' | 'now'> = {
    environment: parseEnvironment(fake.environment ?? {}),
    docker: docker as Docker,
    engines,
    log: silent,
    redactor: createRedactor(),
    notifiers: [],
    signal: new AbortController().signal,
    version: '0.0.0',
    now: () => new Date('2026-11-21T03:00:00Z'),
  };
  return known as Context;
}
