import type { Mount, TwinSpec } from '../docker/docker.ts';
import { type Artifact, isInVolume } from '../model/snapshot.ts';
import { type Place, placesOf } from './files.ts';
import { isInside } from './places.ts';

export interface DrillPlan {
  /** A server for each service; accounts before databases, because owners must exist. */
  readonly servers: readonly { readonly service: string; readonly artifacts: readonly [Artifact, ...Artifact[]] }[];
  readonly places: readonly Place[];
  /** Outputs of commands: what takes them back is a part of the app. */
  readonly outputs: readonly Artifact[];
}

export function planDrill(artifacts: readonly Artifact[]): DrillPlan {
  const dumps = artifacts
    .filter(({ kind }) => kind === 'database' || kind === 'accounts')
    .toSorted((a, b) => Number(b.kind === 'accounts') - Number(a.kind === 'accounts'));
  const servers = [...Map.groupBy(dumps, ({ service }) => service)].flatMap(([service, [first, ...rest]]) =>
    first === undefined ? [] : [{ service, artifacts: [first, ...rest] as const }],
  );
  return { servers, places: placesOf(artifacts.filter(isInVolume)), outputs: artifacts.filter(({ kind }) => kind === 'command') };
}

/** Where servers put their sockets. */
const passing = ['/run', '/var/run', '/tmp'];

/**
 * What a throw-away server has in place of the mounts of the real one: new volumes for all that the real one may write, and its own configuration and secrets, which
 * it may only read. A folder of the host that is writable and no data directory holds configuration, as a rule. Sockets would lead out.
 */
export function mountsOfTwin(mounts: readonly Mount[], dataDirectories: readonly string[]): Pick<TwinSpec, 'volumes' | 'mounts'> {
  const isData = ({ destination }: Mount): boolean =>
    dataDirectories.some((folder) => isInside(destination, folder) || isInside(folder, destination)) ||
    (passing.some((folder) => isInside(destination, folder)) && !isInside(destination, '/run/secrets'));
  const isFresh = (mount: Mount): boolean =>
    mount.type === 'tmpfs' || (mount.writable && (mount.type === 'volume' || (mount.type === 'bind' && isData(mount))));
  return {
    volumes: mounts.filter(isFresh).map(({ destination }) => destination),
    mounts: mounts.flatMap((mount) => {
      const { type, source, subpath, destination } = mount;
      const isSocket = [source, destination].some((path) => path.endsWith('.sock'));
      if (isFresh(mount) || isSocket || (type !== 'volume' && type !== 'bind')) return [];
      return [{ type, source, ...(subpath === undefined ? {} : { subpath }), target: destination }];
    }),
  };
}
