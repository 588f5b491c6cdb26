import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../model/errors.ts';
import { type HookPhase, hookPhases } from '../config/labels.ts';
import type { Plan } from '../model/plan.ts';
import { discover, type Stack } from '../steps/discover.ts';
import { hooksOf } from '../steps/hooks.ts';
import { placeOf } from '../steps/places.ts';
import { plan } from '../steps/plan.ts';
import { planStandstills, type Standstill } from '../steps/quiesce.ts';
import { chooseSets, setsOf } from '../steps/sets.ts';

/** `davit plan`: what would be captured, by which command, what not and why. Exit code 2 when there are problems. */
export async function showPlan(
  context: Context,
  options: { set?: string | undefined },
): Promise<{ plans: PlannedRun[]; exitCode: ExitCode }> {
  const stack = await discover(context);
  const sets = options.set === undefined ? setsOf(stack) : chooseSets(stack, options.set);
  const plans: PlannedRun[] = [];
  for (const set of sets.length === 0 ? ['default'] : sets) plans.push(withEvents(stack, await plan(context, stack, set)));
  const empty = plans.every(({ sources }) => sources.length === 0);
  return { plans, exitCode: empty || plans.some(({ problems }) => problems.length > 0) ? exitCodes.configuration : exitCodes.ok };
}

/** What is captured, and what happens to the services meanwhile. */
export interface PlannedRun extends Plan {
  readonly standstills: readonly Pick<Standstill, 'service' | 'mode' | 'during'>[];
  readonly hooks: readonly { readonly phase: HookPhase; readonly service: string; readonly command: string }[];
}

/** As `--json` says it: errors as the sentences that a person reads. */
export function plainPlan({ problems, ...plan }: PlannedRun) {
  return { ...plan, problems: problems.map(({ service, error }) => ({ service, error: error.message })) };
}

function withEvents(stack: Stack, planned: Plan): PlannedRun {
  const members = stack.services.filter(({ labels }) => labels?.set === planned.set);
  return {
    ...planned,
    standstills: planStandstills(stack, planned).map(({ service, mode, during }) => ({ service, mode, during })),
    hooks: hookPhases.flatMap((phase) =>
      hooksOf(members, phase).map(({ service, hook }) => ({ phase, service: service.name, command: hook.command })),
    ),
  };
}

export function describePlan({ stack, set, sources, skipped, problems, warnings, standstills, hooks }: PlannedRun): string {
  const lines = [`stack ${stack}, set ${set}`];
  for (const source of sources) {
    lines.push(`  + ${source.service}/${source.name}`);
    if (source.kind === 'files') {
      const globs = [...source.include.map((glob) => `only ${glob}`), ...source.exclude.map((glob) => `without ${glob}`)];
      lines.push(
        `      files of ${source.mount.type} ${placeOf(source.mount).replace(/^\w+:/, '')}${globs.length > 0 ? `, ${globs.join(', ')}` : ''}`,
      );
      if (source.sqlite !== 'none')
        lines.push(`      SQLite databases${source.sqlite === 'auto' ? '' : ` ${source.sqlite.join(', ')}`} in it as safe copies`);
    } else if (source.kind === 'command') {
      lines.push(`      command${source.collect === undefined ? '' : `, collects ${source.collect}`}`);
      lines.push(...source.command.split('\n').map((line) => `      $ ${line}`));
      if (!source.restorable) lines.push('      a restore leaves it alone: it has no label .restore and no .restore.put');
    } else {
      lines.push(`      ${source.engine} ${source.server}`, ...source.command.split('\n').map((line) => `      $ ${line}`));
    }
  }
  for (const { service, mode, during } of standstills)
    lines.push(`  ~ ${mode}s ${service} ${during === 'set' ? 'until everything is captured' : 'while files are read'}`);
  for (const { phase, service, command } of hooks) lines.push(`  ~ ${phase}: ${service} runs ${command}`);
  for (const { service, what, why } of skipped) lines.push(`  - ${service}: ${what} — ${why}`);
  for (const warning of warnings) lines.push(`  ! ${warning}`);
  for (const { error } of problems) lines.push(`  x ${error.message}`);
  if (sources.length === 0) lines.push('  x nothing would be captured: add the label davit.enable=true to the services that matter');
  return lines.join('\n');
}
