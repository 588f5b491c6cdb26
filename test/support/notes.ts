import type { Context } from '../../src/context.ts';
import type { Container } from '../../src/docker/docker.ts';
import { NameTaken } from '../../src/model/errors.ts';
import { container } from './builders.ts';
import { fakeContext } from './fake-context.ts';

/** An engine that only keeps notes, which are containers that never start. */
export function keepingNotes(...running: readonly Container[]): { context: Context; kept: readonly Container[] } {
  const kept: Container[] = [];
  const context = fakeContext({ containers: running });
  const docker = {
    note: async (name: string, _: string, labels: Record<string, string>) => {
      if (kept.some((one) => one.name === name)) throw new NameTaken({ where: name, what: 'is taken' });
      kept.push(container({ id: name, name, labels }));
      return name;
    },
    containers: async () => [...kept],
    inspect: context.docker.inspect,
    remove: async (id: string) =>
      void kept.splice(
        kept.findIndex((one) => one.id === id),
        1,
      ),
  } as unknown as typeof context.docker;
  return { context: { ...context, docker }, kept };
}
