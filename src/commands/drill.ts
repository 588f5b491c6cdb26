import type { Context } from '../context.ts';
import { type Drilled, type DrillReport, failureOf, isProven } from '../model/drill.ts';
import { DavitError, type ExitCode, exitCodes, messageOf } from '../model/errors.ts';
import { discover, type Stack } from '../steps/discover.ts';
import { drillSnapshot } from '../steps/drill.ts';
import { findSnapshot } from '../steps/find.ts';
import { withLock } from '../steps/lock.ts';
import { notify } from '../steps/notify.ts';
import { chooseSets } from '../steps/sets.ts';
import { removeOrphans } from '../steps/worker.ts';
import { inScope, reportDrill } from './health.ts';
import type { Which } from './snapshots.ts';

/** `davit drill [ID]`: whether a snapshot can be restored, by restoring it into throw-away containers. Without an id the newest good one of every set. */
export async function drill(context: Context, snapshot: string | undefined, which: Which): Promise<DrillReport[]> {
  const stack = await discover(context);
  return withLock(stack.name, async () => {
    await removeOrphans(context, stack);
    if (snapshot !== undefined) return [await drillSnapshot(context, stack, await find(context, stack, snapshot, which))];
    const reports: DrillReport[] = [];
    for (const set of which.fromStack === undefined ? chooseSets(stack, which.set) : [which.set]) reports.push(await drillLatest(set));
    return reports;
  });

  async function drillLatest(set: string | undefined): Promise<DrillReport> {
    const startedAt = context.now().toISOString();
    try {
      return await drillSnapshot(context, stack, await find(context, stack, 'latest', { ...which, set }));
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof DavitError && error.exitCode === exitCodes.configuration) throw error;
      return { set: set ?? 'default', startedAt, ms: 0, artifacts: [], error: messageOf(error) };
    }
  }
}

function find(context: Context, stack: Stack, snapshot: string, { set, fromStack }: Which) {
  return findSnapshot(context, { snapshot, set, stack: fromStack ?? stack.name });
}

/** A drill that nobody watches: who is named in DAVIT_NOTIFY hears what cannot be restored. */
export async function drillOnSchedule(context: Context, stack: string): Promise<void> {
  const tell = async (set: string | undefined, snapshot: string | undefined, error: string): Promise<void> => {
    context.log.error({ set, snapshot, error }, 'drill failed');
    const what = `a drill could not restore everything: ${error}`;
    await notify(context, { stack, set, status: 'failed', error: what, ...(snapshot === undefined ? {} : { snapshot }) });
  };
  try {
    const reports = await drill(context, undefined, {});
    await reportDrill(context, reports, inScope(undefined));
    for (const report of reports) {
      const failure = failureOf(report);
      if (failure !== undefined) await tell(report.set, report.snapshot, failure);
      else context.log.info({ set: report.set, snapshot: report.snapshot, ms: report.ms }, 'everything can be restored');
    }
  } catch (cause) {
    if (context.signal.aborted) return;
    const error = messageOf(cause);
    await tell(undefined, undefined, error);
    await reportDrill(context, [{ set: 'default', startedAt: context.now().toISOString(), ms: 0, artifacts: [], error }]);
  }
}

export function exitCodeOfDrill(reports: readonly DrillReport[]): ExitCode {
  return reports.every(isProven) ? exitCodes.ok : exitCodes.failed;
}

export function describeDrill(report: DrillReport): string {
  const { set, snapshot, artifacts, ms } = report;
  if (snapshot === undefined) return `x set ${set}: nothing to try — ${failureOf(report)}`;
  const failed = artifacts.filter(({ error }) => error !== undefined);
  const verdict = failed.length === 0 ? 'can be restored' : `${failed.length} of ${artifacts.length} artifacts cannot be restored`;
  return [
    `snapshot ${snapshot} of set ${set}: ${verdict}; tried in ${seconds(ms)}`,
    ...artifacts.map(describeDrilled),
    'Apps were not started, and the containers and volumes of this drill are gone.',
  ].join('\n');
}

function describeDrilled({ artifact, how, ms, tables, rows, entries, image, note, error }: Drilled): string {
  if (error !== undefined) return `x  ${artifact}: ${error}`;
  const facts = [
    ...(image === undefined ? [] : [`into a new ${image}`]),
    ...(tables === undefined ? [] : [`${tables} tables with ${rows} rows as in the manifest`]),
    ...(entries === undefined ? [] : [`${entries} entries as they are stored`]),
    ...(note === undefined ? [] : [note]),
    seconds(ms),
  ];
  return `ok ${artifact}: ${how}, ${facts.join(', ')}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
