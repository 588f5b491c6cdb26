import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const folder = join(import.meta.dirname, '../../compose-examples');

/** Compose knows both forms; `$$` is `$`. */
const labels = z
  .union([
    z.record(z.string(), z.coerce.string()),
    z.array(z.string()).transform((list) => Object.fromEntries(list.map((label) => label.split(/=(.*)/s).slice(0, 2) as [string, string]))),
  ])
  .transform((all) => Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value.replaceAll('$$', '$')])));

const volume = z.union([z.string(), z.object({ type: z.string(), source: z.string().optional() })]);

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({ volumes: z.array(volume).default([]), labels: labels.default({}), healthcheck: z.unknown().optional() }),
  ),
  volumes: z.record(z.string(), z.unknown()).default({}),
});

/** One folder of compose-examples. */
export interface Example {
  readonly name: string;
  readonly path: string;
  readonly compose: z.output<typeof composeFile>;
  readonly readme: string;
}

export const examples: readonly Example[] = readdirSync(folder)
  .toSorted()
  .map((name) => {
    const path = join(folder, name);
    return {
      name,
      path,
      compose: composeFile.parse(parse(readFileSync(`${path}/compose.yaml`, 'utf8'))),
      readme: readFileSync(`${path}/README.md`, 'utf8'),
    };
  });

/** The names of all volumes that the services of an example mount; paths of the host and of variables are none. */
export function namedVolumes({ services }: Example['compose']): string[] {
  return Object.values(services).flatMap(({ volumes }) =>
    volumes.flatMap((mount) => {
      const source = typeof mount === 'string' ? mount.split(':')[0] : mount.type === 'volume' ? mount.source : undefined;
      return source === undefined || /^[./~$]/.test(source) ? [] : [source];
    }),
  );
}
