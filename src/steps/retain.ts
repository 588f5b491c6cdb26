import type { Context } from '../context.ts';
import { companionOf, retainTogether } from '../model/companions.ts';
import { messageOf } from '../model/errors.ts';
import type { SetHistory, Verdict } from '../model/retention.ts';
import type { Manifest } from '../model/snapshot.ts';
import { settingsOf, type Stack } from './discover.ts';

/** What retention would do with the snapshots of one set; only what a manifest of this stack and set names is ever looked at. */
export async function judge({ repository, environment }: Context, stack: Stack, set: string): Promise<Verdict[]> {
  const sets = new Map<string, SetHistory>();
  await look(set);
  return retainTogether(sets).filter(({ manifest }) => manifest.set === set);

  /** Only those sets are read that have a say. */
  async function look(name: string): Promise<void> {
    if (sets.has(name)) return;
    const { keep = environment.DAVIT_KEEP, 'needed-by': neededBy = [] } = settingsOf(stack, name);
    sets.set(name, { manifests: (await repository.list(stack.name, name)).manifests, keep, neededBy });
    for (const other of neededBy) await look(other);
  }
}

export async function removeExpired({ repository, log, signal }: Context, verdicts: readonly Verdict[]): Promise<number> {
  const expired = verdicts.filter(({ reasons }) => reasons.length === 0);
  if (expired.length === 0) return 0;
  await repository.remove(
    expired.map(({ manifest }) => manifest),
    signal,
  );
  for (const { manifest } of expired) log.info({ snapshot: manifest.id, set: manifest.set }, 'removed by retention');
  return expired.length;
}

/** The snapshots of other sets that belong to this one, as the labels of the stack say. */
export async function companionsOf({ repository, log }: Context, { services }: Stack, { set, ...manifest }: Manifest): Promise<Manifest[]> {
  const settings = [...(services.find(({ own }) => own)?.sets ?? [])];
  const companions: Manifest[] = [];
  for (const [name] of settings.filter(([name, { 'needed-by': neededBy }]) => name !== set && neededBy?.includes(set) === true)) {
    const { manifests, unread } = await repository.listReachable(manifest.stack, name);
    for (const error of unread)
      log.warn({ set: name, error: messageOf(error) }, 'a storage cannot be read: a snapshot of this set may belong to it');
    const companion = companionOf({ set, ...manifest }, manifests);
    if (companion !== undefined) companions.push(companion);
  }
  return companions;
}
