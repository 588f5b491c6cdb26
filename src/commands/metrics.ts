import { isGood, type Manifest, newestFirst } from '../model/snapshot.ts';
import { type HealthState, lastRunOf } from './health.ts';

export interface Measured {
  readonly stack: string;
  readonly version: string;
  readonly healthy: boolean;
  /** undefined: the daemon has not said anything yet. */
  readonly state: HealthState | undefined;
  /** undefined: the storage could not be asked. */
  readonly manifests: readonly Manifest[] | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | undefined];

/** The text format of Prometheus. Names and times and sizes only: no path, no message, no secret. */
export function describeMetrics({ stack, version, healthy, state, manifests = [] }: Measured): string {
  const sets = [...new Set([...manifests.map(({ set }) => set), ...Object.keys({ ...state?.lastRuns, ...state?.lastDrills })])].toSorted();
  const perSet = (value: (set: string) => number | undefined): Sample[] => sets.map((set) => [{ set }, value(set)]);
  const backups = manifests.filter(({ reason }) => reason === 'backup').toSorted(newestFirst);
  const lastRun = (set: string) => {
    const newest = backups.find((manifest) => manifest.set === set);
    // A container that was made anew has forgotten its runs; their snapshots have not.
    return state?.lastRuns?.[set] ?? (newest === undefined ? undefined : lastRunOf(newest));
  };
  const lastGood = (set: string) => backups.find((manifest) => isGood(manifest) && manifest.set === set);
  const drill = (set: string) => state?.lastDrills?.[set];
  return [
    gauge('build_info', 'The version of Davit.', [[{ stack, version }, 1]]),
    gauge('healthy', 'Whether `davit health` is content.', [[{}, Number(healthy)]]),
    gauge('run_under_way', 'Whether a backup is under way, or was killed.', [[{}, Number(state?.underWay !== undefined)]]),
    gauge('next_run_timestamp_seconds', 'When the next backup begins.', [[{}, seconds(state?.nextRunAt)]]),
    gauge(
      'last_run_timestamp_seconds',
      'When the last run of a set ended.',
      perSet((set) => seconds(lastRun(set)?.endedAt)),
    ),
    gauge(
      'last_run_status',
      'How the last run of a set ended: 1 for the status that it has.',
      sets.flatMap((set) => {
        const { status } = lastRun(set) ?? {};
        const all = ['complete', 'incomplete', 'failed'] as const;
        return status === undefined ? [] : all.map((one): Sample => [{ set, status: one }, Number(one === status)]);
      }),
    ),
    gauge(
      'last_run_duration_seconds',
      'How long the last run of a set took, when it stored something.',
      perSet((set) => thousandth(lastRun(set)?.durationMs)),
    ),
    gauge(
      'last_run_stored_bytes',
      'What the last run of a set stored, when it stored something.',
      perSet((set) => lastRun(set)?.bytes),
    ),
    gauge(
      'last_success_timestamp_seconds',
      'When the newest complete snapshot of a set was done.',
      perSet((set) => seconds(lastGood(set)?.endedAt)),
    ),
    gauge(
      'snapshots',
      'How many snapshots a set has.',
      sets.flatMap((set) =>
        (['complete', 'incomplete', 'safety'] as const).map((kind): Sample => [
          { set, kind },
          manifests.filter((one) => one.set === set && kindOf(one) === kind).length,
        ]),
      ),
    ),
    gauge(
      'last_drill_timestamp_seconds',
      'When the last drill of a set ended.',
      perSet((set) => seconds(drill(set)?.endedAt)),
    ),
    gauge(
      'last_drill_success',
      'Whether the last drill could restore everything.',
      perSet((set) => yes(drill(set))),
    ),
  ].join('');
}

function kindOf({ reason, status }: Manifest): 'complete' | 'incomplete' | 'safety' {
  return reason === 'safety' ? 'safety' : status;
}

function yes(drill: { failed?: string | undefined } | undefined): number | undefined {
  return drill === undefined ? undefined : Number(drill.failed === undefined);
}

function seconds(time: string | null | undefined): number | undefined {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? undefined : ms / 1000;
}

function thousandth(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

/** A value that is not known is left out. */
function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const known = samples.filter(([, value]) => value !== undefined);
  if (known.length === 0) return '';
  const lines = known.map(([labels, value]) => {
    const text = Object.entries(labels).map(
      ([label, one]) => `${label}="${one.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
    );
    return `davit_${name}${text.length === 0 ? '' : `{${text.join(',')}}`} ${value}\n`;
  });
  return [`# HELP davit_${name} ${help}\n`, `# TYPE davit_${name} gauge\n`, ...lines].join('');
}
