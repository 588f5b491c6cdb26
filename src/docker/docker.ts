import type { Readable } from 'node:stream';

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead' | 'removing';

export interface Mount {
  readonly type: 'volume' | 'bind' | 'tmpfs' | 'other';
  /** Volume name, or the host path of a bind. */
  readonly source: string;
  readonly destination: string;
  readonly writable: boolean;
  /** The folder of the volume that is mounted, where that is not all of it. */
  readonly subpath?: string | undefined;
}

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  /** Repository digest where known, else the image id. */
  readonly imageId: string;
  readonly state: ContainerState;
  /** Of the last time that it ended; 0 before. */
  readonly exitCode: number;
  readonly health: 'healthy' | 'unhealthy' | 'starting' | 'none';
  readonly labels: Readonly<Record<string, string>>;
  /** Names and values as configured; values may be secret and must not leave the process. */
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly mounts: readonly Mount[];
  /** Ids; no two machines have the same. */
  readonly networks: readonly string[];
  /** How long it may take to stop, where somebody has said so: compose's `stop_grace_period`. */
  readonly stopTimeoutMs?: number | undefined;
  /** `StartedAt` of the daemon; empty when never started. */
  readonly startedAt: string;
}

/** A command inside a container. `argv` is public (Docker publishes it as an event), so it never holds a secret. */
export interface Command {
  readonly argv: readonly string[];
  /** What errors call it, when the program's own name says little. */
  readonly title?: string | undefined;
  readonly user?: string | undefined;
  /** Further variables of the command. Docker shows them in no event and no inspect, so they may hold a secret. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface ExecOptions {
  /** Longest time without a byte before the command counts as hung, in milliseconds: 10 minutes, for `write` 1 hour. */
  readonly idleTimeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  /** The last 8 KiB of stderr. */
  readonly stderr: string;
}

/** A container of Davit's own image that holds somebody's volumes for the time of one job. */
export interface WorkerSpec {
  readonly name: string;
  readonly image: string;
  readonly argv: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly { type: 'volume' | 'bind'; source: string; subpath?: string | undefined; target: string; readOnly: boolean }[];
  /** A folder of its own on disk, which goes when the worker goes. */
  readonly scratch?: string | undefined;
  /** `container:<id>`: the worker reaches the storage exactly as Davit does. */
  readonly networkMode: string;
  readonly capabilities: readonly string[];
}

/** A container like another one, to try something in: the same image and settings, but new volumes, and nobody it could reach. */
export interface TwinSpec {
  readonly name: string;
  /** What the others of the original's network call it. */
  readonly hostname: string;
  /** By digest or id. Where this machine does not have it, the image of the original. */
  readonly image: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Folders that get a new and empty volume, which goes with the container. */
  readonly volumes: readonly string[];
  /** What it may read of what the original has. */
  readonly mounts: readonly { type: 'volume' | 'bind'; source: string; subpath?: string | undefined; target: string }[];
  /** What its variables and the words of its command are instead: the secrets of the original must not be written down once more. */
  readonly standIns: { variable(name: string, value: string): string; words(words: readonly string[]): string[] };
}

export interface Worker {
  /** Lines that the worker writes on stdout; ends when the worker or the connection ends: `exited` tells which. */
  readonly lines: AsyncIterable<string>;
  /** Tells the worker that its last line has arrived, so that it may exit. Without it the worker waits: the daemon drops the tail of a process that has exited. */
  release(): void;
  /** Resolves when the worker has exited and its container is gone. `outOfMemory`: Docker said so, before it removed the container. */
  readonly exited: Promise<{ exitCode: number; stderr: string; outOfMemory: boolean }>;
}

/**
 * What Davit asks of a Docker engine (API 1.41 and newer). All errors are DavitErrors. Nothing here buffers data.
 */
export interface Docker {
  /** The id of the container this process runs in; undefined outside one. */
  self(): Promise<string | undefined>;
  /** Every container, running or not, that carries all of these labels (`key` or `key=value`). */
  containers(labels: readonly string[]): Promise<Container[]>;
  inspect(id: string): Promise<Container>;
  /** Names of the programs that run in a container. */
  processes(id: string): Promise<string[]>;
  /**
   * The stdout of a command as a stream that **ends only after the command is proven to have succeeded**: its acknowledged trailer arrived,
   * its exit code is 0 and Docker says that it runs no more. Everything else (killed, container gone, socket dropped, silence longer than
   * the idle limit) is an error of the stream. Destroying the stream ends the command.
   */
  read(id: string, command: Command, options?: ExecOptions): Readable;
  /** Runs a command and collects its output (up to 16 MiB). Resolves with any exit code; rejects when the outcome cannot be known. */
  run(id: string, command: Command, options?: ExecOptions & { stdin?: string | Buffer; timeoutMs?: number }): Promise<Finished>;
  /** Feeds a stream to a command's stdin. Rejects unless every byte was consumed and the command exited with 0. */
  write(id: string, command: Command, source: Readable, options?: ExecOptions): Promise<Finished>;
  /** Starts a worker and hands it the job on stdin, never in argv or environment. When this process dies, the worker sees the end of its stdin, stops and is removed. */
  work(spec: WorkerSpec, job: string, signal?: AbortSignal): Promise<Worker>;
  /** Creates, without starting it, a container like this one. */
  twin(id: string, spec: TwinSpec): Promise<string>;
  /** Creates a container that is never started; its labels are the message. Rejects with NameTaken when another one has the name, also one that is only being created. */
  note(name: string, image: string, labels: Readonly<Record<string, string>>): Promise<string>;
  start(id: string): Promise<void>;
  /** `timeoutMs`: how long the container may take before it is killed. */
  stop(id: string, timeoutMs: number): Promise<void>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Removes a container by force; absent is not an error. */
  remove(id: string): Promise<void>;
}
