import type { Context } from '../context.ts';
import { DavitError, type ExitCode, exitCodes, messageOf } from '../model/errors.ts';
import { isGood, newestFirst } from '../model/snapshot.ts';
import { discover, settingsOf, type Stack } from '../steps/discover.ts';
import { plan } from '../steps/plan.ts';
import { nobody, setsOf } from '../steps/sets.ts';
import { tryStorage, tryWorker } from '../steps/trial.ts';
import { timetables } from './daemon.ts';

export interface Finding {
  readonly about: string;
  readonly verdict: 'ok' | 'warning' | 'problem';
  readonly text: string;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly exitCode: ExitCode;
}

/** `davit doctor`: tries everything that a backup needs, and changes nothing that lasts. Exit code 2 when only the configuration is wrong, else 1. */
export async function doctor(context: Context): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const codes: ExitCode[] = [];
  const say = (about: string, verdict: Finding['verdict'], text: string): void => void findings.push({ about, verdict, text });
  const blame = (about: string, error: unknown): void => {
    codes.push(error instanceof DavitError ? error.exitCode : exitCodes.failed);
    say(about, 'problem', messageOf(error));
  };
  /** A trial that fails is a problem, and the others still take place. */
  async function attempt<T>(about: string, trial: () => Promise<T>, describe: (result: T) => string): Promise<T | undefined> {
    try {
      const result = await trial();
      say(about, 'ok', describe(result));
      return result;
    } catch (error) {
      context.signal.throwIfAborted();
      blame(about, error);
      return undefined;
    }
  }

  const stack = await attempt('stack', () => discover(context), describeStack);
  if (stack !== undefined) {
    await attempt(
      'worker',
      () => tryWorker(context, stack),
      () => 'containers can be created and removed',
    );
    for (const name of storagesOf(context, stack)) {
      const about = name === undefined ? 'storage' : `storage ${name}`;
      await attempt(
        about,
        () => tryStorage(context, stack, name),
        () => `written and removed: ${locationOf(context, name)}`,
      );
      if (locationOf(context, name).startsWith('file:'))
        say(about, 'warning', 'is a folder: make sure that it is not on this machine only');
    }
    const sets = setsOf(stack);
    if (sets.length === 0) blame('labels', nobody(stack));
    for (const error of wrongLabels(stack)) blame('labels', error);
    for (const set of sets) await examineSet(stack, set);
    const schedules = timetables(stack, context.environment.DAVIT_SCHEDULE).map(({ cron }) => cron);
    say('schedule', 'ok', `${schedules.join(', ')}, ${context.environment.TZ}`);
  }
  return { findings, exitCode: codes.includes(exitCodes.failed) ? exitCodes.failed : (codes[0] ?? exitCodes.ok) };

  async function examineSet(known: Stack, set: string): Promise<void> {
    const planned = await attempt(
      `set ${set}`,
      () => plan(context, known, set),
      ({ sources }) => `${sources.length} sources`,
    );
    const wrong = wrongLabels(known);
    for (const { error } of planned?.problems ?? []) if (!wrong.includes(error)) blame(`set ${set}`, error);
    for (const warning of planned?.warnings ?? []) say(`set ${set}`, 'warning', warning);
    const listed = await attempt(
      `snapshots of ${set}`,
      () => context.repository.list(known.name, set),
      ({ manifests }) => `${manifests.length}`,
    );
    for (const damage of listed?.damaged ?? []) say(`snapshots of ${set}`, 'warning', damage);
    const [good] = (listed?.manifests ?? []).filter(isGood).toSorted(newestFirst);
    if (listed !== undefined && good === undefined) say(`snapshots of ${set}`, 'warning', 'none is complete yet — run `davit backup`');
    if (good !== undefined) say(`snapshots of ${set}`, 'ok', `the last complete one is ${good.id}`);
  }
}

function describeStack({ name, services }: Stack): string {
  const labelled = services.filter(({ labels }) => labels !== undefined);
  return `${name}: ${services.length} services, ${labelled.length} take part`;
}

function wrongLabels({ services }: Stack): DavitError[] {
  return services.flatMap(({ problems }) => problems);
}

/** The default storage and those that a set names. */
function storagesOf({ environment }: Context, stack: Stack): (string | undefined)[] {
  const named = setsOf(stack).map((set) => settingsOf(stack, set).storage);
  return [...new Set([undefined, ...Object.keys(environment.storages), ...named])];
}

function locationOf({ environment }: Context, name: string | undefined): string {
  return name === undefined ? environment.DAVIT_STORAGE : (environment.storages[name] ?? '');
}

export function describeDiagnosis({ findings }: Pick<Diagnosis, 'findings'>): string {
  const marks = { ok: 'ok', warning: '! ', problem: 'x ' } as const;
  return findings.map(({ about, verdict, text }) => `${marks[verdict]} ${about}: ${text}`).join('\n');
}
