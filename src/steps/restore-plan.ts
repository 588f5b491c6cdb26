import type { Mount } from '../docker/docker.ts';
import { type Artifact, isInVolume, type Manifest } from '../model/snapshot.ts';
import { configurationError } from '../model/errors.ts';
import type { Service, Stack } from './discover.ts';
import { serviceOf } from './dump.ts';
import { currentMount } from './files.ts';
import { dependents, withDependencies } from './lifecycle.ts';
import { inStartOrder, type Standstill } from './quiesce.ts';
import { volumeIdentity } from './trees.ts';

export interface RestorePlan {
  readonly files: readonly Artifact[];
  /** Trees that their service has mounted read-only: host files. They are left alone. */
  readonly readOnly: readonly Artifact[];
  /** Accounts before databases: owners must exist. */
  readonly databases: readonly Artifact[];
  /** Running services that stand still meanwhile. */
  readonly standstills: readonly Standstill[];
  /** What starts when everything is in: what ran before, what was created but never started, and what these need. */
  readonly starting: readonly Service[];
  /** Nothing that is restored has ever run here, so there is nothing to lose. */
  readonly fresh: boolean;
}

/** What a restore of all or some artifacts of a snapshot into this stack does. Throws when a service or volume has no counterpart here. */
export function planRestore(stack: Stack, manifest: Manifest, artifacts: readonly Artifact[]): RestorePlan {
  const mountOf = ({ service, mount, path = '/' }: Artifact): Mount => currentMount(stack, service, mount?.destination ?? path);
  const [files, readOnly] = partition(artifacts.filter(isInVolume), (artifact) => mountOf(artifact).writable);
  const databases = artifacts
    .filter((artifact) => !isInVolume(artifact))
    .toSorted((a, b) => Number(b.kind === 'accounts') - Number(a.kind === 'accounts'));
  const servers = new Set(databases.map(({ service }) => service));
  const restored = new Set(artifacts.map(({ service }) => service));
  const counterparts = [...restored].map((name) => serviceOf(stack, name));
  const volumes = new Set(files.map((artifact) => volumeIdentity(mountOf(artifact))));
  const whole = artifacts.length === manifest.artifacts.length;
  const touches = (service: Service): boolean =>
    restored.has(service.name) ||
    (whole && service.labels?.set === manifest.set) ||
    service.containers.some(({ mounts }) => mounts.some((mount) => mount.writable && volumes.has(volumeIdentity(mount))));
  const above = dependents(stack, restored);
  const apps = stack.services.filter(
    (service) => !service.own && !servers.has(service.name) && (touches(service) || above.has(service.name)),
  );
  const standstills = apps.flatMap((service) => {
    const containers = service.containers
      .filter(({ state }) => state === 'running' || state === 'paused' || state === 'restarting')
      .map(({ name }) => name);
    return containers.length === 0
      ? []
      : [
          {
            service: service.name,
            mode: 'stop' as const,
            during: 'set' as const,
            timeoutMs: service.labels?.['quiesce.timeout'] ?? 30_000,
            containers,
          },
        ];
  });
  const isNew = ({ containers }: Service): boolean => containers.every(({ state }) => state === 'created');
  const comeUp = new Set([...standstills.map(({ service }) => service), ...apps.filter(isNew).map(({ name }) => name)]);
  const starting = withDependencies(stack, comeUp).filter((service) => !service.own && (comeUp.has(service.name) || isNew(service)));
  const fresh = counterparts.filter(({ own }) => !own).every(isNew);
  return { files, readOnly, databases, standstills: inStartOrder(stack, standstills), starting, fresh };
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** A part of a named set would leave the rest of it behind in another moment. */
export function refuseBrokenSet(manifest: Manifest, chosen: readonly Artifact[], allowed: boolean): void {
  if (allowed || manifest.set === 'default' || chosen.length === manifest.artifacts.length) return;
  throw configurationError({
    where: `set "${manifest.set}"`,
    what: `${chosen.length} of its ${manifest.artifacts.length} artifacts would be restored, and the others would stay as they are: the set would be broken`,
    fix: 'restore the whole set, restore into a folder with --to, or say --allow-partial',
  });
}
