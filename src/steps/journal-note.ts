import { z } from 'zod';
import type { Context } from '../context.ts';
import type { Container } from '../docker/docker.ts';
import type { DavitError } from '../model/errors.ts';
import type { Stack } from './discover.ts';
import type { Ending } from './ending.ts';
import { readNote } from './note.ts';
import { otherOwner, owned } from './owner.ts';
import type { Standstill } from './quiesce.ts';

const journalLabel = 'io.davit.journal';
const contentLabel = 'io.davit.journal.undo';

const contentSchema = z.object({
  standstills: z.array(
    z.object({
      service: z.string(),
      mode: z.enum(['stop', 'pause']),
      during: z.enum(['set', 'files']),
      timeoutMs: z.number(),
      containers: z.array(z.string()),
    }),
  ),
  /** Services whose `after` hooks must run. */
  hooks: z.array(z.string()),
  /** Of a restore: which snapshot it was putting in, and which one holds what was there before. */
  restore: z
    .object({
      snapshot: z.string(),
      safety: z.string().optional(),
      /** Everything is in; this is left to do. */
      ending: z.object({ since: z.string(), starting: z.array(z.string()), hooks: z.array(z.string()) }).optional(),
    })
    .optional(),
});

/** What is about to be touched and must be undone. It lives as the labels of a container that never starts: it survives the death and the recreation of Davit. */
export interface Journal {
  readonly standstills: readonly Standstill[];
  readonly hooks: readonly string[];
  readonly restore?: { readonly snapshot: string; readonly safety?: string | undefined; readonly ending?: Ending | undefined } | undefined;
}

/** Under that name, unless it is taken. Resolves with the id. */
export function writeJournal({ docker }: Context, stack: Stack, name: string, journal: Journal): Promise<string> {
  return docker.note(name, stack.own.imageId, {
    [journalLabel]: stack.name,
    [contentLabel]: JSON.stringify(journal),
    ...owned(stack),
  });
}

interface Kept {
  readonly id: string;
  readonly name: string;
  /** An error of what another version of Davit wrote, which only that one can undo. */
  readonly journal: Journal | DavitError;
  /** Another Davit, which is alive and undoes it itself. */
  readonly other: Container | undefined;
}

/** Those of a stack. */
export async function journals(context: Context, stack: Stack): Promise<Kept[]> {
  const found = await context.docker.containers([`${journalLabel}=${stack.name}`]);
  return Promise.all(
    found.map(async (container) => ({
      id: container.id,
      name: container.name,
      journal: readNote(container, contentLabel, contentSchema),
      other: await otherOwner(context, stack, container),
    })),
  );
}
