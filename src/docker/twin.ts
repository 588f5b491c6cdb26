import { DavitError } from '../model/errors.ts';
import type { ContainerInfo, ImageConfig } from './container.ts';
import type { ContainerSpec, Daemon } from './daemon.ts';
import type { TwinSpec } from './docker.ts';

/** What a container may do and use, and what it lacks, as far as that has to do with itself alone: no ports, no devices, no privileges, no network. */
const kept: readonly string[] = [
  'CapAdd',
  'CapDrop',
  'CpuShares',
  'GroupAdd',
  'Init',
  'Memory',
  'NanoCpus',
  'ReadonlyRootfs',
  'SecurityOpt',
  'ShmSize',
  'Tmpfs',
  'Ulimits',
  'UsernsMode',
];

export async function twin(daemon: Daemon, id: string, spec: TwinSpec): Promise<string> {
  const original = await daemon.find(id);
  if (!original) throw new DavitError({ where: daemon.describe(id), what: 'there is no such container' });
  const wanted = spec.image === undefined ? undefined : await daemon.image(spec.image);
  const base = await daemon.image(original.Image);
  return daemon.create(twinOptions(original, base?.Config ?? undefined, wanted?.Id ?? original.Image, spec));
}

/** `base`: what the original has from its image, and the twin from its own, which may be another one. */
export function twinOptions(
  { Config, HostConfig = {} }: Pick<ContainerInfo, 'Config' | 'HostConfig'>,
  base: ImageConfig | undefined,
  image: string,
  { name, hostname, labels, volumes, mounts, standIns }: TwinSpec,
): ContainerSpec {
  const ofImage = new Set(base?.Env);
  const hasOwnEntrypoint = !isSame(Config.Entrypoint, base?.Entrypoint);
  const allowed = Object.entries(HostConfig).filter(([option, value]) => kept.includes(option) && value != null);
  const words = (value: ImageConfig['Entrypoint']): string[] => standIns.words(typeof value === 'string' ? [value] : [...(value ?? [])]);
  return {
    name,
    Image: image,
    Hostname: hostname,
    Labels: { ...labels },
    Env: (Config.Env ?? [])
      .filter((line) => !ofImage.has(line))
      .map((line) => {
        const [variable = '', ...value] = line.split('=');
        return `${variable}=${standIns.variable(variable, value.join('='))}`;
      }),
    ...(hasOwnEntrypoint ? { Entrypoint: words(Config.Entrypoint) } : {}),
    ...(hasOwnEntrypoint || !isSame(Config.Cmd, base?.Cmd) ? { Cmd: words(Config.Cmd) } : {}),
    ...(Config.User ? { User: Config.User } : {}),
    ...(Config.WorkingDir ? { WorkingDir: Config.WorkingDir } : {}),
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...Object.fromEntries(allowed),
      NetworkMode: 'none',
      // Its own name is another address than the one where a set-up server listens, as it is in a network.
      ExtraHosts: [`${hostname}:127.0.0.2`],
      LogConfig: { Type: 'none' },
      Mounts: [
        // A volume without a name is removed together with its container.
        ...volumes.map((target) => ({ Type: 'volume', Target: target })),
        ...mounts.map(({ type, source, subpath, target }) => ({
          Type: type,
          Source: source,
          Target: target,
          ReadOnly: true,
          ...(subpath === undefined ? {} : { VolumeOptions: { Subpath: subpath } }),
        })),
      ],
    },
  };
}

function isSame(a: ImageConfig['Entrypoint'], b: ImageConfig['Entrypoint']): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}
