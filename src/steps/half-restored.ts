import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { DavitError } from '../model/errors.ts';
import type { Problem } from '../model/plan.ts';
import type { Stack } from './discover.ts';

const markLabel = 'io.davit.half-restored';
const contentLabel = 'io.davit.half-restored.by';

const contentSchema = z.object({ snapshot: z.string(), safety: z.string().optional(), services: z.array(z.string()) });
export type Restoring = z.infer<typeof contentSchema>;

/**
 * From its first change until it has succeeded, a restore leaves a mixture behind. A container that never starts says so, like the journal, and stays when the
 * restore fails or is killed: what is captured then must not become `latest`. A restore of the same services that succeeds takes it away.
 */
export async function markHalfRestored({ docker }: Context, stack: Stack, restoring: Restoring): Promise<void> {
  await docker.note(`davit-half-restored-${stack.name}-${randomBytes(4).toString('hex')}`, stack.own.imageId, {
    [markLabel]: stack.name,
    [contentLabel]: JSON.stringify(restoring),
  });
}

export async function clearHalfRestored(context: Context, stack: Stack, services: readonly string[]): Promise<void> {
  for (const mark of await marks(context, stack))
    if (mark.services.every((service) => services.includes(service))) await context.docker.remove(mark.id);
}

/** What keeps a backup of these services from being good. */
export async function halfRestored(context: Context, stack: Stack, services: readonly string[]): Promise<Problem[]> {
  return (await marks(context, stack)).flatMap(({ name, snapshot, safety, services: restored }) => {
    const service = restored.find((one) => services.includes(one));
    if (service === undefined) return [];
    const back = safety === undefined ? '' : `\`davit restore ${safety}\` brings back what was there before it, `;
    const error = new DavitError({
      where: `service "${service}"`,
      what: 'a restore ended half-way, so what is there now is a mixture',
      seen: snapshot,
      fix: `${back}\`davit restore ${snapshot}\` tries again; if all is well as it is, \`docker rm ${name}\``,
    });
    return [{ service, error, absent: true }];
  });
}

async function marks({ docker }: Context, stack: Stack): Promise<(Restoring & { readonly id: string; readonly name: string })[]> {
  const found = await docker.containers([`${markLabel}=${stack.name}`]);
  return found.map(({ id, name, labels }) => ({ id, name, ...contentSchema.parse(JSON.parse(labels[contentLabel] ?? '{}')) }));
}
