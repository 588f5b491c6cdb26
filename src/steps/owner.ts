import type { Context } from '../context.ts';
import type { Container } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { Stack } from './discover.ts';

/** Which Davit made a container. */
const ownerLabel = 'io.davit.owner';

export function owned({ own }: Stack): Record<string, string> {
  return { [ownerLabel]: own.id };
}

/** The Davit that made a container, when it is another one than this and runs: what it made is in use. */
export async function otherOwner(
  { docker }: Context,
  { own }: Stack,
  { labels }: Pick<Container, 'labels'>,
): Promise<Container | undefined> {
  const id = labels[ownerLabel];
  if (id === undefined || id === own.id) return undefined;
  const owner = await docker.inspect(id).catch((error: unknown) => {
    if (error instanceof DavitError) return undefined;
    throw error;
  });
  return owner?.state === 'running' || owner?.state === 'paused' ? owner : undefined;
}
