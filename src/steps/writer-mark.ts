import { createHash } from 'node:crypto';
import { parseCompose } from '../docker/compose.ts';
import type { Container } from '../docker/docker.ts';

/** Four digits in every snapshot id that tell who wrote it: the same after Davit was recreated, others on another machine. */
export function writerMark({ id, labels, networks }: Container): string {
  const identity = parseCompose(labels);
  // What `docker compose run` makes may be alive beside the service.
  const isLasting = identity !== undefined && !identity.oneoff && networks.length > 0;
  const parts = isLasting ? [identity.project, identity.service, identity.number, ...networks.toSorted()] : [id];
  return createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 4);
}
