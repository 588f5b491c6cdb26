import { codecsForWriting, createCodecs } from './codecs/index.ts';
import { parseEnvironment, type RawEnvironment, resolveFiles, secretNames } from './config/environment.ts';
import type { Context } from './context.ts';
import { createDocker } from './docker/dockerode.ts';
import { engines } from './engines/index.ts';
import { createLog, createRedactor, type Redactor } from './log.ts';
import { configurationError } from './model/errors.ts';
import { createPortableRepository } from './repository/portable/index.ts';
import type { Repository } from './repository/repository.ts';
import { createFilesystemStorage } from './storage/filesystem.ts';
import { createS3Storage, exportCredentials, type S3Options } from './storage/s3.ts';
import type { Storage } from './storage/storage.ts';
import { version } from './version.ts';

/** The only place where contracts meet their implementations. */
export function createContext(
  raw: RawEnvironment,
  output: NodeJS.WriteStream,
  signal: AbortSignal,
  redactor: Redactor = createRedactor(),
): Context {
  const variables = resolveFiles(raw);
  redactor.protect(secretNames.map((name) => variables[name]));
  const environment = parseEnvironment(variables);
  const {
    DAVIT_STORAGE: location,
    DAVIT_ENCRYPT_TO: recipients,
    DAVIT_IDENTITY: identity,
    DAVIT_LOG_LEVEL: level,
    DOCKER_HOST: host,
  } = environment;
  return {
    environment,
    workerEnvironment: async () => ({
      ...passedOn(variables),
      ...(location.startsWith('s3:') ? await exportCredentials(s3Options(new URL(location), variables)) : {}),
    }),
    docker: createDocker({ host }),
    engines,
    repository: createRepository(createStorage(location, variables), recipients, identity),
    log: createLog(level, redactor, output),
    redactor,
    signal,
    version,
    now: () => new Date(),
  };
}

/** What a worker needs to reach the same storage: Davit's and AWS's variables, with secrets already read from their files. */
function passedOn(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => /^(DAVIT_(STORAGE|ENCRYPT_TO|IDENTITY|PASSWORD|LOG_LEVEL)|AWS_)/.test(name)),
  );
}

/** The part of the context that a worker needs. */
export function createWorkerContext(raw: RawEnvironment): { repository: Repository } {
  const variables = resolveFiles(raw);
  const environment = parseEnvironment(variables);
  return {
    repository: createRepository(
      createStorage(environment.DAVIT_STORAGE, variables),
      environment.DAVIT_ENCRYPT_TO,
      environment.DAVIT_IDENTITY,
    ),
  };
}

function createRepository(storage: Storage, recipients: readonly string[], identity: string | undefined): Repository {
  const keys = { recipients, identity };
  const decoders = createCodecs(keys);
  return createPortableRepository({ storage, codecs: codecsForWriting(decoders, keys), decoders });
}

function createStorage(location: string, variables: Readonly<Record<string, string>>): Storage {
  const url = new URL(location);
  if (url.protocol === 'file:') return createFilesystemStorage(decodeURIComponent(url.pathname));
  if (url.protocol === 's3:') return createS3Storage(s3Options(url, variables));
  throw configurationError({
    where: 'environment',
    what: 'DAVIT_STORAGE is of an unknown kind',
    seen: url.protocol,
    fix: 'write s3://bucket/prefix or file:///path',
  });
}

function s3Options({ hostname, pathname }: URL, environment: Readonly<Record<string, string>>): S3Options {
  return { bucket: hostname, prefix: decodeURIComponent(pathname), environment };
}
