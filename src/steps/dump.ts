import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import type { Context } from '../context.ts';
import type { Engine, Inspector, Target } from '../engines/engine.ts';
import { advised, andAlso, DavitError, messageOf } from '../model/errors.ts';
import type { DatabaseSource } from '../model/plan.ts';
import { type Artifact, artifactId, type Manifest, type Table } from '../model/snapshot.ts';
import { compare } from './compare.ts';
import type { Service, Stack } from './discover.ts';
import { targetOf } from './servers.ts';
import { imageOf, type Run } from './run.ts';

/** A schema change during a dump ends it; the next try sees the new schema. */
const schemaChanged =
  /Table definition has changed|field count for table|doesn't exist \(1146\)|does not exist \(1305\)|could not open relation|cache lookup failed|relation ".*" does not exist/;

/** Dumps one database or the accounts of a server. */
export async function dumpDatabase(context: Context, run: Run, source: DatabaseSource): Promise<Artifact> {
  try {
    return await dump(context, run, source);
  } catch (error) {
    const { options } = targetOf(serviceOf(run.stack, source.service)).access;
    if (!schemaChanged.test(messageOf(error))) throw withAdvice(error, options);
    context.log.warn({ source: artifactId(source), error: messageOf(error) }, 'the schema changed during the dump, trying once more');
    return dump(context, run, source);
  }
}

/** What a person has added to the command is suspect, whatever else the error advises: `--skip-comments` looks like a dump that was cut off. */
function withAdvice(error: unknown, options: readonly string[]): unknown {
  const advice = (own: string): string => `\`davit plan\` shows the command${own}: try it in the container`;
  if (options.length === 0 || !(error instanceof DavitError)) return advised(error, advice(''));
  return andAlso(error, 'dump', advice(`, with \`${options.join(' ')}\` from label davit.dump.options`));
}

async function dump(context: Context, run: Run, source: DatabaseSource): Promise<Artifact> {
  const service = serviceOf(run.stack, source.service);
  const engine = engineOf(context, source.engine);
  const { command, extension, inspect } = engine.dump(
    targetOf(service),
    source.database === undefined ? undefined : { name: source.database, details: source.details, warnings: [] },
  );
  const read = (): Readable => context.docker.read(service.containers[0].id, command, { signal: context.signal });
  const artifact = await storeOutput(context, run, { ...source, extension }, read, inspect(), 'dumped');
  return {
    ...artifact,
    ...(source.database === undefined ? {} : { database: source.database }),
    details: source.details,
    tool: source.tool,
    server: source.server,
    ...(source.warnings.length > 0 ? { warnings: [...source.warnings] } : {}),
  };
}

/** Stores what a command in a service's container gives, where `inspector` finds it whole; says so in the log by `message`. */
export async function storeOutput(
  { log, now, signal }: Context,
  run: Run,
  source: Pick<Artifact, 'service' | 'name' | 'kind' | 'engine' | 'extension'>,
  read: () => Readable,
  inspector: Inspector,
  message: string,
): Promise<Artifact> {
  const { service, name, kind, engine, extension } = source;
  const startedAt = now();
  const { plain, tables } = watched(read(), inspector);
  const stored = await run.writer.put({ service, name, extension }, plain, signal);
  const endedAt = now();
  const counted = tables();
  log.info(
    { source: artifactId(source), bytes: stored.plain.bytes, stored: stored.stored.bytes, ms: endedAt.getTime() - startedAt.getTime() },
    message,
  );
  return {
    ...stored,
    service,
    name,
    kind,
    engine,
    extension,
    ...imageOf(serviceOf(run.stack, service)),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    ...(counted === undefined ? {} : { tables: counted }),
  };
}

/** Passes the dump on; when it lacks its end, the stream fails instead of ending, so that nothing of it is kept. */
function watched(stdout: Readable, inspector: Inspector): { plain: Readable; tables: () => Table[] | undefined } {
  let tables: Table[] | undefined;
  const plain = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      attemptTo(done, () => (inspector.see(chunk), chunk));
    },
    flush(done) {
      attemptTo(done, () => void (tables = inspector.conclude()));
    },
  });
  pipeline(stdout, plain, () => undefined);
  return { plain, tables: () => tables };
}

function attemptTo(done: TransformCallback, part: () => Buffer | undefined): void {
  let result: Buffer | undefined;
  try {
    result = part();
  } catch (error) {
    return done(error as Error);
  }
  done(null, result);
}

/** Loads one database or its accounts back, and compares what is there afterwards with what the dump held. Resolves with what the tool said on stderr. */
export async function restoreDatabase(context: Context, target: Target, manifest: Manifest, artifact: Artifact): Promise<string> {
  const engine = engineOf(context, artifact.engine);
  const { id } = target.container;
  const startedAt = context.now();
  const source = await context.repository.read(manifest, artifact, context.signal);
  const { stderr: said } = await context.docker.write(id, engine.restore(target, artifact), source, { signal: context.signal });
  const census = artifact.tables === undefined ? undefined : engine.census(target, artifact);
  if (census !== undefined) {
    const { exitCode, stdout, stderr } = await context.docker.run(id, census, { timeoutMs: 3_600_000, signal: context.signal });
    if (exitCode !== 0)
      throw new DavitError({ where: artifactId(artifact), what: 'the restored database cannot be read', seen: stderr.trim() });
    compare(artifact, engine.readCensus(stdout));
  }
  context.log.info(
    {
      artifact: artifactId(artifact),
      tables: artifact.tables?.length,
      bytes: artifact.plain.bytes,
      ms: context.now().getTime() - startedAt.getTime(),
    },
    'restored',
  );
  return said.trim();
}

export function serviceOf(stack: Stack, name: string): Service {
  const service = stack.services.find((one) => one.name === name);
  if (service !== undefined) return service;
  throw new DavitError({
    where: `service "${name}"`,
    what: `is not in stack "${stack.name}"`,
    fix: 'create the stack first with `docker compose create`, or restore into a folder with --to',
  });
}

export function engineOf(context: Context, name: string): Engine {
  const engine = context.engines.find((one) => one.name === name);
  if (engine !== undefined) return engine;
  throw new DavitError({
    where: 'engine',
    what: `this Davit does not know the engine`,
    seen: name,
    fix: 'use the version of Davit that made the snapshot, or a newer one',
  });
}
