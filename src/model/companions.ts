import { retain, type SetHistory, type Verdict } from './retention.ts';
import { isGood, isInVolume, type Manifest, newestFirst } from './snapshot.ts';

/**
 * The snapshot of another set that belongs to this one. A database names files: one too many does no harm, a missing one does. So it is the first good one
 * that began when the dumps were done; until there is one, the newest good one.
 */
export function companionOf(manifest: Manifest, others: readonly Manifest[]): Manifest | undefined {
  const moment = dumpedAt(manifest);
  const good = others.filter(isGood).toSorted(newestFirst);
  return good.findLast(({ startedAt }) => Date.parse(startedAt) >= moment) ?? good[0];
}

function dumpedAt({ artifacts, endedAt }: Manifest): number {
  const dumps = artifacts.filter((artifact) => !isInVolume(artifact)).map((artifact) => Date.parse(artifact.endedAt));
  return dumps.length === 0 ? Date.parse(endedAt) : Math.max(...dumps);
}

/** Retention of sets that need each other: each by its own rules, and whatever belongs to a snapshot that stays. */
export function retainTogether(sets: ReadonlyMap<string, SetHistory>): Verdict[] {
  const verdicts = new Map([...sets].map(([set, { manifests, keep }]) => [set, retain(manifests, keep)]));
  // What stays for another set may itself need something.
  for (let before = -1, now = stays(verdicts); before !== now; before = now, now = stays(verdicts))
    for (const [set, { manifests, neededBy }] of sets)
      for (const other of neededBy) {
        if (other !== set) verdicts.set(set, withNeeded(verdicts.get(set) ?? [], manifests, other, verdicts.get(other) ?? []));
      }
  return [...verdicts.values()].flat();
}

function stays(verdicts: ReadonlyMap<string, readonly Verdict[]>): number {
  return [...verdicts.values()].flat().filter(({ reasons }) => reasons.length > 0).length;
}

function withNeeded(own: readonly Verdict[], manifests: readonly Manifest[], set: string, others: readonly Verdict[]): Verdict[] {
  const staying = others.filter(({ reasons }) => reasons.length > 0);
  const needed = Map.groupBy(staying, ({ manifest }) => companionOf(manifest, manifests));
  const start = `needed by set ${set}: `;
  return own.map(({ manifest, reasons }) => {
    const ids = (needed.get(manifest) ?? []).map((one) => one.manifest.id);
    const rules = reasons.filter((reason) => !reason.startsWith(start));
    return { manifest, reasons: ids.length === 0 ? rules : [...rules, `${start}${ids.join(' ')}`] };
  });
}
