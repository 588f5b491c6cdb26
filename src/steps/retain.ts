import type { Context } from '../context.ts';
import { retain, type KeepPolicy, type Verdict } from '../model/retention.ts';

/** What retention would do with the snapshots of one set; only what a manifest of this stack and set names is ever looked at. */
export async function judge({ repository }: Context, stack: string, set: string, policy: KeepPolicy): Promise<Verdict[]> {
  const { manifests } = await repository.list(stack, set);
  return retain(manifests, policy);
}

export async function removeExpired({ repository, log }: Context, verdicts: readonly Verdict[]): Promise<number> {
  const expired = verdicts.filter(({ reasons }) => reasons.length === 0);
  if (expired.length === 0) return 0;
  await repository.remove(expired.map(({ manifest }) => manifest));
  for (const { manifest } of expired) log.info({ snapshot: manifest.id, set: manifest.set }, 'removed by retention');
  return expired.length;
}
