import { DavitError } from '../model/errors.ts';
import { type ContainerInfo, programs, toContainer } from './container.ts';
import type { Daemon } from './daemon.ts';
import type { Container } from './docker.ts';

export async function containers(daemon: Daemon, labels: readonly string[]): Promise<Container[]> {
  const ids = await daemon.list(labels);
  const infos = await Promise.all(ids.map((id) => daemon.find(id)));
  // One that was removed between the list and the look is not there.
  return Promise.all(infos.filter((info) => info !== undefined).map((info) => describeContainer(daemon, info)));
}

export async function inspect(daemon: Daemon, id: string): Promise<Container> {
  const info = await daemon.find(id);
  if (!info) throw new DavitError({ where: daemon.describe(id), what: 'there is no such container' });
  return describeContainer(daemon, info);
}

/** None in a container that does not run. */
export async function processes(daemon: Daemon, id: string): Promise<string[]> {
  const { State } = (await daemon.find(id)) ?? {};
  if (State?.Status !== 'running' && State?.Status !== 'paused') return [];
  const { titles, processes } = await daemon.top(id);
  return programs(titles, processes);
}

async function describeContainer(daemon: Daemon, info: ContainerInfo): Promise<Container> {
  return toContainer(info, (await daemon.image(info.Image))?.RepoDigests?.[0]);
}
