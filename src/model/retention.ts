import { isGood, newestFirst, type Manifest } from './snapshot.ts';

export const keepRules = ['last', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type KeepRule = (typeof keepRules)[number];
export type KeepPolicy = Readonly<Partial<Record<KeepRule, number>>>;

/** undefined: not a policy. */
export function parseKeep(text: string): KeepPolicy | undefined {
  const policy: Partial<Record<KeepRule, number>> = {};
  for (const part of text.split(',')) {
    const [, rule, count] = /^\s*(last|daily|weekly|monthly|yearly)\s*=\s*(\d{1,6})\s*$/.exec(part) ?? [];
    if (rule === undefined || rule in policy) return undefined;
    policy[rule as KeepRule] = Number(count);
  }
  return policy;
}

export interface Verdict {
  readonly manifest: Manifest;
  /** Why it stays; empty: it goes. */
  readonly reasons: readonly string[];
}

/** A set with all that decides about its snapshots. */
export interface SetHistory {
  readonly manifests: readonly Manifest[];
  readonly keep: KeepPolicy;
  /** The sets whose snapshots need those of this one. */
  readonly neededBy: readonly string[];
}

/** The name of the period that a snapshot belongs to, in UTC. Weeks are ISO weeks. For `last`, each is its own. */
function period(rule: KeepRule, { id, startedAt }: Manifest): string {
  const at = new Date(startedAt);
  const iso = at.toISOString();
  switch (rule) {
    case 'last':
      return id;
    case 'daily':
      return iso.slice(0, 10);
    case 'weekly':
      return isoWeek(at);
    case 'monthly':
      return iso.slice(0, 7);
    case 'yearly':
      return iso.slice(0, 4);
  }
}

function isoWeek(at: Date): string {
  const thursday = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 4 - (at.getUTCDay() || 7)));
  const firstDay = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return `${thursday.getUTCFullYear()}-W${Math.ceil(((thursday.getTime() - firstDay) / 86_400_000 + 1) / 7)}`;
}

/**
 * Which snapshots of one set stay, and why. Each rule keeps the newest good snapshot of each of its last N periods.
 * Only good snapshots are counted. The newest good one always stays. An incomplete or safety snapshot stays as long as it is newer than the newest good
 * one or younger than the oldest kept good one is old enough to matter: it goes when a newer good snapshot exists and no rule could ever count it.
 * While the newest snapshot is incomplete nothing goes at all: the older ones may be all there is.
 */
export function retain(manifests: readonly Manifest[], policy: KeepPolicy): Verdict[] {
  const sorted = manifests.toSorted(newestFirst);
  const reasons = new Map<Manifest, string[]>(sorted.map((manifest) => [manifest, []]));
  const give = (manifest: Manifest, reason: string): void => void reasons.get(manifest)?.push(reason);

  const good = sorted.filter(isGood);
  const [newest] = sorted.filter((manifest) => manifest.reason === 'backup');
  if (newest !== undefined && !isGood(newest)) for (const manifest of sorted) give(manifest, 'frozen: the newest snapshot is incomplete');

  for (const rule of keepRules) {
    const seen = new Set<string>();
    for (const manifest of good) {
      const name = period(rule, manifest);
      if (seen.has(name) || seen.size >= (policy[rule] ?? 0)) continue;
      seen.add(name);
      give(manifest, rule === 'last' ? 'last' : `${rule} ${name}`);
    }
  }
  const [lastGood] = good;
  if (lastGood !== undefined) give(lastGood, 'the last good snapshot');
  for (const manifest of sorted) {
    if (isGood(manifest)) continue;
    const newerGood = good.filter((other) => newestFirst(other, manifest) < 0).length;
    if (newerGood < 3) give(manifest, 'fewer than 3 good snapshots are newer');
  }
  return sorted.map((manifest) => ({ manifest, reasons: reasons.get(manifest) ?? [] }));
}
