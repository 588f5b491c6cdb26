import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { DavitError } from '../model/errors.ts';
import type { Problem } from '../model/plan.ts';
import type { Artifact, Manifest } from '../model/snapshot.ts';
import type { Stack } from './discover.ts';
import { readNote } from './note.ts';

const markLabel = 'io.davit.half-restored';
const contentLabel = 'io.davit.half-restored.by';

/** What a restore replaces: service, artifact, path, from the whole to the part. */
type Part = readonly string[];

const contentSchema = z.object({
  snapshot: z.string(),
  fromStack: z.string().optional(),
  safety: z.string().optional(),
  parts: z.array(z.array(z.string())),
});

export interface Restoring {
  readonly snapshot: string;
  /** The stack that the snapshot is of, where it is another one. */
  readonly fromStack?: string | undefined;
  readonly safety?: string | undefined;
  readonly parts: readonly Part[];
}

/** A service of which everything is restored counts as a whole: what another snapshot has of it besides is of no matter then. */
export function partsOf({ artifacts }: Manifest, chosen: readonly Artifact[], path: string | undefined): Part[] {
  return [...Map.groupBy(chosen, ({ service }) => service)].flatMap(([service, own]) => {
    const isWhole = path === undefined && own.length === artifacts.filter((artifact) => artifact.service === service).length;
    return isWhole ? [[service]] : own.map(({ name }) => [service, name, ...(path === undefined ? [] : [path])]);
  });
}

/**
 * From its first change until it has succeeded, a restore leaves a mixture behind. A container that never starts says so, like the journal, and stays when the
 * restore fails or is killed: what is captured then must not become `latest`. Restores that succeed take away what they put in order. Of several that fail,
 * the first knows what was there before.
 */
export async function markHalfRestored(context: Context, stack: Stack, restoring: Restoring): Promise<void> {
  const older = (await marks(context, stack)).filter((mark) => remainder(mark, restoring.parts).length === 0);
  const safety = older.find((mark) => mark.safety !== undefined)?.safety ?? restoring.safety;
  await keep(context, stack, { ...restoring, safety });
  for (const { id } of older) await context.docker.remove(id);
}

export async function clearHalfRestored(context: Context, stack: Stack, restored: readonly Part[]): Promise<void> {
  for (const { id, ...mark } of await marks(context, stack)) {
    const left = remainder(mark, restored);
    if (left.length === mark.parts.length) continue;
    if (left.length > 0) await keep(context, stack, { ...mark, parts: left });
    await context.docker.remove(id);
  }
}

function remainder({ parts }: Pick<Restoring, 'parts'>, restored: readonly Part[]): Part[] {
  return parts.filter((part) => !restored.some((other) => other.every((word, at) => word === part[at])));
}

/** What keeps a backup of these services from being good. A mark that cannot be read may be of any of them. */
export async function halfRestored(context: Context, stack: Stack, services: readonly string[]): Promise<Problem[]> {
  return (await notes(context, stack)).flatMap(({ name, said }) => {
    if (said instanceof DavitError) return services.slice(0, 1).map((service) => ({ service, error: said, absent: true }));
    const { snapshot, fromStack, safety, parts } = said;
    const service = parts.map(([one = '']) => one).find((one) => services.includes(one));
    if (service === undefined) return [];
    const back = safety === undefined ? '' : `\`davit restore ${safety}\` brings back what was there before it, `;
    const error = new DavitError({
      where: `service "${service}"`,
      what: 'a restore ended half-way, so what is there now is a mixture',
      seen: snapshot,
      fix: `${back}\`davit restore ${snapshot}${ofStack(fromStack)}\` tries again; if all is well as it is, \`docker rm ${name}\``,
    });
    return [{ service, error, absent: true }];
  });
}

/** The option that a snapshot of another stack is found by. */
export function ofStack(name: string | undefined): string {
  return name === undefined ? '' : ` --from-stack ${name}`;
}

async function keep({ docker }: Context, stack: Stack, restoring: Restoring): Promise<void> {
  await docker.note(`davit-half-restored-${stack.name}-${randomBytes(4).toString('hex')}`, stack.own.imageId, {
    [markLabel]: stack.name,
    [contentLabel]: JSON.stringify(restoring),
  });
}

interface Note {
  readonly id: string;
  readonly name: string;
  readonly said: Restoring | DavitError;
}

async function notes({ docker }: Context, stack: Stack): Promise<Note[]> {
  const found = await docker.containers([`${markLabel}=${stack.name}`]);
  return found.map((container) => ({ id: container.id, name: container.name, said: readNote(container, contentLabel, contentSchema) }));
}

async function marks(context: Context, stack: Stack): Promise<(Restoring & { readonly id: string })[]> {
  return (await notes(context, stack)).flatMap(({ id, said }) => (said instanceof DavitError ? [] : [{ ...said, id }]));
}
