import type { Socket } from 'node:net';
import type { ContainerInfo, ImageInfo } from './container.ts';
import type { Command } from './docker.ts';

export interface ExecState {
  readonly running: boolean;
  readonly exitCode: number | undefined;
}

/** A started exec: its hijacked connection (half-closing it ends the command's stdin) and what Docker says about it. */
export interface Exec {
  readonly socket: Socket;
  /** Undefined when Docker no longer knows it: the container is gone. */
  inspect(): Promise<ExecState | undefined>;
}

export interface ContainerSpec {
  readonly name: string;
  readonly Image: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly [option: string]: unknown;
}

export type Verb = 'start' | 'stop' | 'pause' | 'unpause';

export const stateAfter = { start: 'running', stop: 'exited', pause: 'paused', unpause: 'running' } as const satisfies Record<Verb, string>;

/** Docker's API as the rest of this folder needs it: one method per endpoint, bounded in time, errors already DavitErrors. */
export interface Daemon {
  list(labels: readonly string[]): Promise<string[]>;
  /** Undefined when there is no such container. */
  find(id: string): Promise<ContainerInfo | undefined>;
  /** By id or digest; undefined when it is not here, or may not be looked at. */
  image(id: string): Promise<ImageInfo | undefined>;
  top(id: string): Promise<{ titles: readonly string[]; processes: readonly (readonly string[])[] }>;
  exec(id: string, command: Command): Promise<Exec>;
  create(spec: ContainerSpec): Promise<string>;
  attach(id: string): Promise<Socket>;
  /** Resolves with the exit code when the container has been removed. Without `withinMs` not bounded in time. */
  removed(id: string, withinMs?: number): Promise<number>;
  /** Resolves also when the container already is in that state. */
  change(id: string, verb: Verb, options?: { readonly graceMs?: number }): Promise<void>;
  remove(id: string): Promise<void>;
  /** `container "shop-db-1"`, for errors. */
  describe(id: string): string;
}
