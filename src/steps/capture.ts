import type { HookPhase } from '../config/labels.ts';
import type { Context } from '../context.ts';
import { messageOf } from '../model/errors.ts';
import { discover } from './discover.ts';
import { dumpAll } from './dump-all.ts';
import { captureFiles } from './files.ts';
import { hooksOf, runHook } from './hooks.ts';
import { closeJournal, openJournal } from './journal.ts';
import type { Journal } from './journal-note.ts';
import { planStandstills, quiesce, requireStill, type Standstill } from './quiesce.ts';
import { readAhead } from './read-ahead.ts';
import { attempt, type Run } from './run.ts';

/** From the first hook to the last: whatever happens in between, the app comes back. */
export async function capture(context: Context, run: Run): Promise<void> {
  const members = run.stack.services.filter(({ labels }) => labels?.set === run.plan.set);
  const standstills = planStandstills(run.stack, run.plan);
  const journal: Journal = {
    standstills,
    hooks: members
      .filter(({ labels }) => (labels?.hooks ?? []).some(({ phase }) => phase === 'before' || phase === 'after'))
      .map(({ name }) => name),
  };
  const still = new Map<string, number>();
  const warn = (warning: string): void => {
    run.warnings.push(warning);
    context.log.warn({ set: run.plan.set }, warning);
  };
  const ahead = standstills.length === 0 ? new Map() : await readAhead(context, run);
  const note = await openJournal(context, run.stack, journal);
  try {
    await runHooks('before');
    await standStill(standstills.filter(({ during }) => during === 'set'));
    await dumpAll(context, run);
    await runHooks('after-dump');
    await standStill(standstills.filter(({ during }) => during === 'files'));
    await captureFiles(context, run, ahead);
    await attempt(context, run, { service: 'davit', source: 'quiesce' }, async () =>
      requireStill(planStandstills(await discover(context), run.plan)),
    );
  } finally {
    const resumed = (service: string): void =>
      void (run.downtimeMs[service] = context.now().getTime() - (still.get(service) ?? context.now().getTime()));
    const { errors, warnings } = await closeJournal(context, run.stack, note, journal, resumed);
    run.warnings.push(...warnings);
    for (const error of errors) {
      run.failures.push({ service: 'davit', error: messageOf(error) });
      context.log.error({ error: messageOf(error) }, 'could not be undone');
    }
  }

  async function runHooks(phase: HookPhase): Promise<void> {
    for (const { service, hook } of hooksOf(members, phase))
      await attempt(context, run, { service: service.name, source: `hook ${phase}` }, async () => {
        const warning = await runHook(context, service, hook);
        if (warning !== undefined) run.warnings.push(warning);
      });
  }

  async function standStill(services: readonly Standstill[]): Promise<void> {
    for (const { service } of services) still.set(service, context.now().getTime());
    await attempt(context, run, { service: 'davit', source: 'quiesce' }, () => quiesce(context, services, warn));
  }
}
