import { pipeline } from 'node:stream/promises';
import { Command, CommanderError } from 'commander';
import { plainPath } from '../config/values.ts';
import type { Context } from '../context.ts';
import { DavitError, type ExitCode, exitCodes, messageOf } from '../model/errors.ts';
import { version } from '../version.ts';
import { backup } from './backup.ts';
import { confirm } from './confirm.ts';
import { daemon } from './daemon.ts';
import { describeDiagnosis, doctor } from './doctor.ts';
import { describeDrill, drill, exitCodeOfDrill } from './drill.ts';
import { describeHealth, health, inScope, reportDrill, reportRun } from './health.ts';
import { describeOutcome, exitCodeOf, plainOutcome } from './outcome.ts';
import { describePlan, plainPlan, showPlan } from './plan.ts';
import { describeVerdicts, prune } from './prune.ts';
import { describeRestore, restore, type RestoreOptions } from './restore.ts';
import { cat, companions, describeCompanion, describeList, describeSnapshot, list, named, show } from './snapshots.ts';
import { refuseEmpty, refuseTwice, refuseUnknown } from './usage.ts';
import { describeVerification, parseShare, verify, type VerifyOptions } from './verify.ts';

export interface Surroundings {
  /** The log goes to `output`: stdout for the daemon, stderr for commands, whose stdout is their answer. */
  createContext(output: NodeJS.WriteStream): Promise<Context>;
  print(text: string): void;
  exit(code: ExitCode): void;
}

interface Common {
  readonly json?: boolean;
  readonly set?: string;
  readonly fromStack?: string;
}

interface RestoreFlags extends Common, Omit<RestoreOptions, 'set' | 'fromStack' | 'snapshot' | 'confirm' | 'allowPartial'> {
  readonly yes?: boolean;
  readonly allowPartial?: boolean;
}

/** Every command and option. What a command answers is printed here, as text or as JSON. */
export function createCli(surroundings: Surroundings): (argv: readonly string[]) => Promise<void> {
  const cli = defineCommands(surroundings);
  return async (argv) => {
    try {
      await cli.parseAsync(argv);
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      surroundings.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.configuration);
    }
  };
}

function defineCommands({ createContext, print, exit }: Surroundings): Command {
  const cli = new Command('davit').description('Backs up and restores a docker compose stack.').version(version);
  cli.exitOverride().helpCommand(true);
  cli.hook('preAction', (_, chosen) => refuseEmpty(chosen));
  const forCommand = (): Promise<Context> => createContext(process.stderr);
  const answer = (json: boolean | undefined, value: unknown, text: () => string): void =>
    print(`${json === true ? JSON.stringify(value, undefined, 2) : text()}\n`);
  const command = (name: string, description: string): Command =>
    cli.command(name).description(description).option('--json', 'answer in JSON');
  const onSnapshots = (name: string, description: string): Command =>
    command(name, description).option('--set <name>', 'only this set').option('--from-stack <name>', 'snapshots of another stack');

  cli.command('daemon', { hidden: true }).action(async () => daemon(await createContext(process.stdout)));

  command('plan', 'show what would be captured, by which command, and why not the rest')
    .option('--set <name>', 'only this set')
    .action(async ({ json, set }: Common) => {
      const { plans, exitCode } = await showPlan(await forCommand(), { set });
      answer(json, plans.map(plainPlan), () => plans.map(describePlan).join('\n\n'));
      exit(exitCode);
    });

  command('backup', 'back up now')
    .option('--set <name>', 'only this set')
    .action(async ({ json, set }: Common) => {
      const context = await forCommand();
      const outcomes = await backup(context, { set });
      await reportRun(context, outcomes, inScope(set));
      answer(json, outcomes.map(plainOutcome), () => outcomes.map(describeOutcome).join('\n'));
      exit(exitCodeOf(outcomes));
    });

  onSnapshots('list', 'list snapshots, newest first').action(async ({ json, ...which }: Common) => {
    const context = await forCommand();
    const { manifests, damaged } = await list(context, which);
    if (json === true) for (const problem of damaged) context.log.error({ problem }, 'damaged manifest');
    answer(json, manifests, () => [describeList(manifests), ...damaged.map((problem) => `x ${problem}`)].join('\n'));
    if (damaged.length > 0) exit(exitCodes.failed);
  });

  onSnapshots('show', 'show one snapshot')
    .argument('<snapshot>', 'id or latest')
    .action(async (snapshot: string, { json, ...which }: Common) => {
      const context = await forCommand();
      const manifest = await show(context, snapshot, which);
      const belonging = await companions(context, manifest, which);
      answer(json, { ...manifest, ...named(belonging) }, () =>
        [describeSnapshot(manifest), ...belonging.map((companion) => describeCompanion(companion))].join('\n'),
      );
    });

  onSnapshots('cat', 'write the plain bytes of one artifact to stdout')
    .argument('<snapshot>', 'id or latest')
    .argument('<artifact>', 'service/artifact')
    .action(async (snapshot: string, artifact: string, which: Common) => {
      const context = await forCommand();
      await pipeline(await cat(context, snapshot, artifact, which), process.stdout, { signal: context.signal, end: false }).catch(unread);
    });

  onSnapshots('verify', 'read every byte back and compare it with the manifest')
    .argument('[snapshot]', 'id or latest; default: all')
    .option('--read-data [share]', 'read a share only, such as 10% or 1/5; default: everything', parseShare)
    .option('--no-read-data', 'read no data: only that everything is there in its size')
    .action(async (snapshot: string | undefined, { json, ...which }: Common & VerifyOptions) => {
      const { exitCode, ...result } = await verify(await forCommand(), snapshot, which);
      answer(json, result, () => describeVerification(result));
      exit(exitCode);
    });

  onSnapshots('drill', 'restore a snapshot into throw-away containers, and compare')
    .argument('[snapshot]', 'id or latest; default: the newest good one of every set')
    .action(async (snapshot: string | undefined, { json, ...which }: Common) => {
      const context = await forCommand();
      const reports = await drill(context, snapshot, which);
      if (snapshot === undefined && which.fromStack === undefined) await reportDrill(context, reports, inScope(which.set));
      answer(json, reports, () => reports.map(describeDrill).join('\n\n'));
      exit(exitCodeOfDrill(reports));
    });

  onSnapshots('restore', 'restore a snapshot into this stack, or into a folder')
    .argument('<snapshot>', 'id or latest')
    .option('--at <time>', 'with latest: the newest complete snapshot at or before this time')
    .option('--service <name>', 'only this service')
    .option('--only <artifact>', 'only this artifact: service/artifact')
    .option('--path <path>', 'only this container path inside a file tree', plainPath)
    .option('--to <folder>', "into a folder of Davit's container instead of the stack")
    .option('--yes', 'do not ask')
    .option('--no-safety', 'do not save first what is there now')
    .option('--no-start', 'leave the services stopped, to change something first')
    .option('--allow-partial', 'restore a part of a named set')
    .action(async (snapshot: string, { json, yes = false, allowPartial = false, ...rest }: RestoreFlags) => {
      const context = await forCommand();
      const ask: RestoreOptions['confirm'] = (plan, manifest) => confirm(plan, manifest, yes, rest.path, context.signal);
      const report = await restore(context, { ...rest, snapshot, allowPartial, confirm: ask });
      const { manifest, companions: belonging, ...done } = report;
      answer(json, { snapshot: manifest.id, ...done, ...named(belonging) }, () => describeRestore(report));
    });

  command('prune', 'remove the snapshots that retention does not keep')
    .option('--dry-run', 'only tell')
    .action(async ({ json, dryRun = false }: { json?: boolean; dryRun?: boolean }) => {
      const verdicts = await prune(await forCommand(), { dryRun });
      answer(
        json,
        verdicts.map(({ manifest: { id, set }, reasons }) => ({ id, set, keep: reasons.length > 0, reasons })),
        () => describeVerdicts(verdicts, dryRun),
      );
    });

  command('doctor', 'try everything that a backup needs, and change nothing').action(async ({ json }: Common) => {
    const { exitCode, ...diagnosis } = await doctor(await forCommand());
    answer(json, diagnosis, () => describeDiagnosis(diagnosis));
    exit(exitCode);
  });

  command('health', 'exit with 0 when the daemon runs and its last backup was good').action(async ({ json }: Common) => {
    const state = await health(new Date()).catch((error: unknown) => {
      if (json === true) answer(json, { error: messageOf(error) }, () => '');
      throw error;
    });
    answer(json, state, () => describeHealth(state));
  });

  cli.commands.forEach(refuseTwice);
  // Last: the commands above would inherit that anything may stand behind them.
  cli.allowExcessArguments().action(async () => {
    refuseUnknown(cli.args);
    await daemon(await createContext(process.stdout));
  });
  return cli;
}

function unread(error: NodeJS.ErrnoException): never {
  if (error.code !== 'EPIPE') throw error;
  throw new DavitError(
    { where: 'davit cat', what: 'nobody reads the artifact any more, and it has not come to its end' },
    { cause: error },
  );
}
