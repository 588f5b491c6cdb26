import type { Environment } from './config/environment.ts';
import type { Docker } from './docker/docker.ts';
import type { Engine } from './engines/engine.ts';
import type { Log } from './log.ts';
import type { Notifier } from './notifiers/notifier.ts';
import type { Redactor } from './redactor.ts';
import type { Progress } from './progress.ts';
import type { Repository } from './repository/repository.ts';

/** What every step and command works with: contracts only. `app.ts` fills it with implementations. */
export interface Context {
  readonly environment: Environment;
  /** The environment that a worker needs to reach the same storage with the same codecs; holds secrets, so it only ever travels on stdin. */
  workerEnvironment(): Promise<Record<string, string>>;
  /** Certificates of authorities that a worker must trust because Davit does. */
  readonly authorities: readonly string[];
  readonly docker: Docker;
  readonly engines: readonly Engine[];
  readonly repository: Repository;
  /** Who is told how runs go. */
  readonly notifiers: readonly Notifier[];
  readonly log: Log;
  readonly progress: Progress;
  readonly redactor: Redactor;
  /** Aborted by SIGTERM and SIGINT: everything under way is given up and undone. */
  readonly signal: AbortSignal;
  readonly version: string;
  now(): Date;
}
