import type { Readable } from 'node:stream';
import type { Context } from '../context.ts';
import type { Inspector } from '../engines/engine.ts';
import { DavitError } from '../model/errors.ts';
import type { CommandSource } from '../model/plan.ts';
import { type Artifact, artifactId, type Manifest } from '../model/snapshot.ts';
import { commandOf } from './command-plan.ts';
import { captureScript, putInto, restoreScript } from './command-scripts.ts';
import type { Service } from './discover.ts';
import { serviceOf, storeOutput } from './dump.ts';
import type { Run } from './run.ts';

/** Runs one command and stores what it gives. */
export async function captureCommand(context: Context, run: Run, source: CommandSource): Promise<Artifact> {
  const service = serviceOf(run.stack, source.service);
  const label = commandOf(service, source.name);
  const options = { idleTimeoutMs: label.timeout, signal: context.signal };
  const read = (): Readable => context.docker.read(service.containers[0].id, captureScript(label), options);
  return storeOutput(context, run, source, read, demandOutput(source), 'command stored');
}

/** An empty answer is no artifact, whatever the exit code. */
function demandOutput(source: CommandSource): Inspector {
  let bytes = 0;
  return {
    see: (chunk) => void (bytes += chunk.length),
    conclude() {
      if (bytes > 0) return undefined;
      const fix = 'it has to write the artifact to stdout; label .collect fetches a file that it writes instead';
      throw new DavitError({ where: artifactId(source), what: 'the command gave no output', fix });
    },
  };
}

/** Gives an artifact back: on the command's stdin, or as a file first. Only the exit code of the command tells whether it took it. */
export async function restoreCommand(context: Context, service: Service, manifest: Manifest, artifact: Artifact): Promise<void> {
  const label = commandOf(service, artifact.name);
  const { id } = service.containers[0];
  const startedAt = context.now();
  const options = { idleTimeoutMs: label.timeout, signal: context.signal };
  const put = putInto(label);
  const command = restoreScript(label);
  const [fed, alone] = put === undefined ? [command, undefined] : [put, command];
  if (fed !== undefined) await context.docker.write(id, fed, await context.repository.read(manifest, artifact, context.signal), options);
  if (alone !== undefined) for await (const _ of context.docker.read(id, alone, options));
  context.log.info(
    { artifact: artifactId(artifact), bytes: artifact.plain.bytes, ms: context.now().getTime() - startedAt.getTime() },
    'restored',
  );
}
