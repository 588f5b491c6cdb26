import { parseEnvironment, secretNames } from './config/environment.ts';
import { type RawEnvironment, resolveFiles } from './config/variable-files.ts';
import type { Context } from './context.ts';
import { createDocker } from './docker/dockerode.ts';
import { engines } from './engines/index.ts';
import { createLog } from './log.ts';
import { createNotifiers, secretsOf } from './notifiers/index.ts';
import type { Redactor } from './redactor.ts';
import { createProgress, showProgress } from './progress.ts';
import { createRepository, exportCredentials } from './repository/index.ts';
import { tellingWaits } from './repository/waiting.ts';
import { ownAuthorities } from './trust.ts';
import { version } from './version.ts';

/** Where contracts meet their implementations. */
export async function createContext(
  raw: RawEnvironment,
  output: NodeJS.WriteStream,
  signal: AbortSignal,
  redactor: Redactor,
): Promise<Context> {
  const variables = resolveFiles(raw);
  redactor.protect(secretNames.map((name) => variables[name]));
  const environment = parseEnvironment(variables);
  redactor.protect(secretsOf(environment.DAVIT_NOTIFY));
  const log = createLog(environment.DAVIT_LOG_LEVEL, redactor, output);
  const progress = createProgress();
  showProgress(progress, log, output);
  const repository = await createRepository(environment, variables, progress.add);
  return {
    environment,
    workerEnvironment: async () => ({ ...passedOn(variables), ...(await exportCredentials(environment, variables)) }),
    authorities: ownAuthorities(variables['NODE_EXTRA_CA_CERTS']),
    docker: createDocker({ host: environment.DOCKER_HOST }),
    engines,
    repository: tellingWaits(repository, (waitedMs) =>
      log.warn({ storage: repository.location, seconds: waitedMs / 1000 }, 'waiting for the storage to answer'),
    ),
    notifiers: createNotifiers(environment.DAVIT_NOTIFY),
    log,
    progress,
    redactor,
    signal,
    version,
    now: () => new Date(),
  };
}

/** What a worker needs to reach the same storage: Davit's and AWS's variables, with secrets already read from their files. */
function passedOn(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => /^(DAVIT_(STORAGE|ENCRYPT_TO|IDENTITY|PASSWORD|PROVE)|AWS_)/.test(name)),
  );
}
