import { createInterface } from 'node:readline/promises';
import { configurationError } from '../model/errors.ts';
import { artifactId, type Manifest } from '../model/snapshot.ts';
import { partOf } from '../steps/find.ts';
import type { RestorePlan } from '../steps/restore-plan.ts';

/** Meanwhile nothing else can run, and who was asked may have lost the connection. */
const answerWithinMs = 600_000;

/** Shows what a restore will do and asks; without a terminal only `--yes` is an answer. */
export async function confirm(
  plan: RestorePlan,
  manifest: Manifest,
  yes: boolean,
  path: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const lines = [
    `snapshot ${manifest.id} of ${manifest.startedAt} (${manifest.status})`,
    ...[...plan.files, ...plan.databases].map(
      (artifact) =>
        `  replaces ${artifact.kind === 'files' && partOf(artifact, path) !== undefined ? `${path} in ` : ''}${artifactId(artifact)}`,
    ),
    ...plan.commands.map((artifact) => `  gives ${artifactId(artifact)} to its restore command`),
    ...plan.standstills.map(({ service }) => `  stops ${service} meanwhile`),
    ...plan.starting.map(({ name }) => `  starts ${name} afterwards`),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
  if (yes) return true;
  if (!process.stdin.isTTY) throw configurationError({ where: 'restore', what: 'nobody is there to confirm it', fix: 'say --yes' });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
  const reply = await terminal.question('Replace them? [y/N] ', { signal: limit }).catch(() => '');
  terminal.close();
  return /^y(es)?$/i.test(reply.trim());
}
