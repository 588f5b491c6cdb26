import { posix } from 'node:path';
import type { Container, ContainerState, Mount } from './docker.ts';

/** What an image says of its containers, and a container of itself. */
export interface ImageConfig {
  readonly Env: readonly string[] | null;
  readonly Cmd?: readonly string[] | null | undefined;
  readonly Entrypoint?: string | readonly string[] | null | undefined;
  readonly User?: string | undefined;
  readonly WorkingDir?: string | undefined;
}

export interface ImageInfo {
  readonly Id: string;
  readonly RepoDigests?: readonly string[] | null | undefined;
  readonly Config?: ImageConfig | null | undefined;
}

/** What a mount was asked to be. */
interface MountSpec {
  readonly Target: string;
  readonly VolumeOptions?: { readonly Subpath?: string } | null;
}

/** The part of Docker's inspect answer that Davit reads. */
export interface ContainerInfo {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly Path: string;
  readonly Args: readonly string[] | null;
  readonly State: {
    readonly Status: string;
    readonly StartedAt: string;
    readonly ExitCode?: number | undefined;
    readonly OOMKilled?: boolean | undefined;
    readonly Health?: { readonly Status: string } | undefined;
  };
  readonly Config: ImageConfig & {
    readonly Image: string;
    readonly Labels: Record<string, string> | null;
    /** In seconds. */
    readonly StopTimeout?: number | null | undefined;
  };
  /** What it is allowed and given. */
  readonly HostConfig?: object | undefined;
  readonly Mounts:
    | readonly {
        readonly Type: string;
        readonly Name?: string | undefined;
        readonly Source?: string | undefined;
        readonly Destination: string;
        readonly RW: boolean;
      }[]
    | null;
  readonly NetworkSettings?: { readonly Networks?: Record<string, { readonly NetworkID: string }> | null } | undefined;
  readonly GraphDriver?: { readonly Data?: Record<string, string> | null | undefined } | undefined;
}

const states: ReadonlySet<string> = new Set<ContainerState>(['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing']);

export function toContainer(info: ContainerInfo, repoDigest: string | undefined): Container {
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    image: info.Config.Image,
    imageId: repoDigest ?? info.Image,
    state: states.has(info.State.Status) ? (info.State.Status as ContainerState) : 'dead',
    exitCode: info.State.ExitCode ?? 0,
    health: toHealth(info.State.Health?.Status),
    labels: { ...info.Config.Labels },
    env: Object.fromEntries((info.Config.Env ?? []).map(splitAssignment)),
    command: [info.Path, ...(info.Args ?? [])],
    mounts: (info.Mounts ?? []).map((mount) => toMount(mount, info.HostConfig)),
    ...(info.Config.StopTimeout == null ? {} : { stopTimeoutMs: info.Config.StopTimeout * 1000 }),
    networks: Object.values(info.NetworkSettings?.Networks ?? {}).map(({ NetworkID }) => NetworkID),
    // Docker writes the year 1 for "never".
    startedAt: info.State.StartedAt.startsWith('0001-') ? '' : info.State.StartedAt,
  };
}

function toHealth(status: string | undefined): Container['health'] {
  return status === 'healthy' || status === 'unhealthy' || status === 'starting' ? status : 'none';
}

function splitAssignment(line: string): [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

function toMount(
  { Type, Name, Source, Destination, RW }: NonNullable<ContainerInfo['Mounts']>[number],
  wanted: ContainerInfo['HostConfig'],
): Mount {
  const type = Type === 'volume' || Type === 'bind' || Type === 'tmpfs' ? Type : 'other';
  const { Mounts: specs }: { readonly Mounts?: readonly MountSpec[] | null } = wanted ?? {};
  const subpath = specs?.find(({ Target }) => Target === Destination)?.VolumeOptions?.Subpath;
  return {
    type,
    source: (type === 'volume' ? Name : Source) ?? '',
    destination: Destination,
    writable: RW,
    ...(subpath ? { subpath: posix.join('.', subpath).replace(/\/$/, '') } : {}),
  };
}

/** Base names of the programs in an answer of `top`, whose columns are those of the host's `ps`. */
export function programs(titles: readonly string[], processes: readonly (readonly string[])[]): string[] {
  const column = titles.findIndex((title) => title === 'CMD' || title === 'COMMAND');
  const names = processes.map((row) => programOf(row.at(column) ?? ''));
  return [...new Set(names.filter((name) => name !== ''))];
}

/** `/usr/sbin/mysqld --user=x` and `postgres: checkpointer` are `mysqld` and `postgres`. */
function programOf(commandLine: string): string {
  const first = commandLine.trim().split(/\s+/)[0] ?? '';
  return first
    .slice(first.lastIndexOf('/') + 1)
    .replace(/:$/, '')
    .replace(/^-/, '');
}
