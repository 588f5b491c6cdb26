import type { z } from 'zod';
import type { Container } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';

/** What a container that never starts says in one of its labels: the error, where another version of Davit has written it in another way. */
export function readNote<T>({ name, labels }: Pick<Container, 'name' | 'labels'>, label: string, schema: z.ZodType<T>): T | DavitError {
  try {
    return schema.parse(JSON.parse(labels[label] ?? ''));
  } catch (cause) {
    return new DavitError(
      {
        where: `container "${name}"`,
        what: 'what an earlier Davit has noted there cannot be read',
        seen: `${label}: ${labels[label] ?? 'absent'}`,
        fix: `start the version of Davit that wrote it; or look yourself at what is stopped or paused, and \`docker rm ${name}\``,
      },
      { cause },
    );
  }
}
