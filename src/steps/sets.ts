import { storageVariable } from '../config/environment.ts';
import type { Context } from '../context.ts';
import { configurationError, type DavitError } from '../model/errors.ts';
import type { Problem } from '../model/plan.ts';
import { settingsOf, type Stack } from './discover.ts';

/** The names of all sets of a stack. */
export function setsOf(stack: Stack): string[] {
  return [...new Set(stack.services.flatMap(({ set }) => set ?? []))].toSorted();
}

/** No service takes part: the error of every command that would do something with them. */
export function nobody({ name, services }: Stack): DavitError {
  return configurationError({
    where: `stack "${name}"`,
    what: 'no service takes part',
    seen: services.flatMap(({ problems }) => problems.map(({ message }) => message)).join('; ') || undefined,
    fix: 'add `labels: ["davit.enable=true"]` to the services that matter and run `docker compose up -d`',
  });
}

/** All of them, or the one that a person names. */
export function chooseSets(stack: Stack, wanted: string | undefined): string[] {
  const sets = setsOf(stack);
  if (sets.length === 0) throw nobody(stack);
  if (wanted === undefined) return sets;
  if (sets.includes(wanted)) return [wanted];
  throw configurationError({
    where: `set "${wanted}"`,
    what: `does not exist in stack "${stack.name}"`,
    fix: `the stack has ${sets.join(', ')}`,
  });
}

/** A set that is said to be needed by one that is not there would lose what is needed. */
export function unknownSets(stack: Stack, set: string): Problem[] {
  const known = setsOf(stack).filter((name) => name !== set);
  return (settingsOf(stack, set)['needed-by'] ?? [])
    .filter((name) => !known.includes(name))
    .map((name) => ({
      service: ownName(stack),
      error: configurationError({
        where: `label davit.set.${set}.needed-by`,
        what: 'names no other set of the stack',
        seen: name,
        fix: known.length === 0 ? 'the stack has no other' : `the others are ${known.join(', ')}`,
      }),
    }));
}

export function unknownStorage({ environment }: Context, stack: Stack, set: string): Problem[] {
  const { storage } = settingsOf(stack, set);
  if (storage === undefined || storage in environment.storages) return [];
  const error = configurationError({
    where: `label davit.set.${set}.storage`,
    what: 'names a storage that is not configured',
    seen: storage,
    fix: `set ${storageVariable(storage)}`,
  });
  return [{ service: ownName(stack), error }];
}

/** A set may have lost its last service, and its snapshots still be wanted; or its name is misspelt. */
export function idleSettings(stack: Stack): string[] {
  const known = setsOf(stack);
  return [...(stack.services.find(({ own }) => own)?.sets.keys() ?? [])]
    .filter((set) => !known.includes(set))
    .map(
      (set) =>
        `labels davit.set.${set}.… tune a set that no service belongs to (the stack has ${known.join(', ')}): retention removes nothing meanwhile`,
    );
}

export function ownName(stack: Stack): string {
  return stack.services.find(({ own }) => own)?.name ?? 'davit';
}
