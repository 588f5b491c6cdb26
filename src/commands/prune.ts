import type { Context } from '../context.ts';
import { configurationError } from '../model/errors.ts';
import type { Verdict } from '../model/retention.ts';
import { discover, type Stack } from '../steps/discover.ts';
import { withLock } from '../steps/lock.ts';
import { judge, removeExpired } from '../steps/retain.ts';
import { idleSettings, unknownSets } from '../steps/sets.ts';

/** `davit prune`: applies retention to every set that has snapshots; `--dry-run` only tells. */
export async function prune(context: Context, options: { dryRun: boolean }): Promise<Verdict[]> {
  const stack = await discover(context);
  const { name } = stack;
  refuseWrongLabels(stack);
  return withLock(name, async () => {
    const { manifests } = await context.repository.list(name);
    const verdicts: Verdict[] = [];
    for (const set of new Set(manifests.map((manifest) => manifest.set))) verdicts.push(...(await judge(context, stack, set)));
    if (!options.dryRun) await removeExpired(context, verdicts);
    return verdicts;
  });
}

/** A rule that is not understood would be no rule, and what it keeps would go. */
function refuseWrongLabels(stack: Stack): void {
  const own = stack.services.find((service) => service.own);
  const unknown = [...(own?.sets.keys() ?? [])].flatMap((set) => unknownSets(stack, set).map(({ error }) => error));
  const idle = idleSettings(stack).map((what) =>
    configurationError({ where: `stack "${stack.name}"`, what, fix: 'correct the name of the set, or remove the labels' }),
  );
  const [wrong] = [...(own?.problems ?? []), ...unknown, ...idle];
  if (wrong !== undefined) throw wrong;
}

export function describeVerdicts(verdicts: readonly Verdict[], dryRun: boolean): string {
  if (verdicts.length === 0) return 'no snapshots yet';
  return verdicts
    .map(
      ({ manifest: { id, set }, reasons }) =>
        `${reasons.length > 0 ? 'keep  ' : dryRun ? 'would remove' : 'removed'} ${id}  ${set}  ${reasons.join(', ')}`,
    )
    .join('\n');
}
