import type { Mount } from '../docker/docker.ts';
import { type Artifact, isInVolume, type Manifest } from '../model/snapshot.ts';
import { configurationError } from '../model/errors.ts';
import { commandOf, isRestorable } from './command-plan.ts';
import type { Service, Stack } from './discover.ts';
import { serviceOf } from './dump.ts';
import { currentMount } from './files.ts';
import { dependents, withDependencies } from './lifecycle.ts';
import { type Standstill, stopTimeoutOf } from './quiesce.ts';
import { inStartOrder } from './start-order.ts';
import { overlaps, placeOf } from './places.ts';

export interface RestorePlan {
  /** What it was planned from; the lists below say what becomes of each. */
  readonly chosen: readonly Artifact[];
  readonly files: readonly Artifact[];
  /** Trees that their service has mounted read-only: host files. They are left alone. */
  readonly readOnly: readonly Artifact[];
  /** Accounts before databases: owners must exist. */
  readonly databases: readonly Artifact[];
  /** Outputs of commands that have a command or a path to go back with, by `davit.order`. */
  readonly commands: readonly Artifact[];
  /** Outputs of commands without a way back: they are left alone. */
  readonly wayless: readonly Artifact[];
  /** What must run for these commands: their services, and what these need. */
  readonly commanded: readonly Service[];
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
    .filter(({ kind }) => kind === 'database' || kind === 'accounts')
    .toSorted((a, b) => Number(b.kind === 'accounts') - Number(a.kind === 'accounts'));
  const orderOf = ({ service }: Artifact): number => serviceOf(stack, service).labels?.order ?? 0;
  const [commands, wayless] = partition(
    artifacts.filter(({ kind }) => kind === 'command').toSorted((a, b) => orderOf(a) - orderOf(b)),
    ({ service, name }) => isRestorable(commandOf(serviceOf(stack, service), name)),
  );
  const commanding = new Set(commands.map(({ service }) => service));
  const servers = new Set(databases.map(({ service }) => service));
  const restored = new Set(artifacts.filter((artifact) => !wayless.includes(artifact)).map(({ service }) => service));
  const counterparts = [...restored].map((name) => serviceOf(stack, name));
  const places = files.map((artifact) => placeOf(mountOf(artifact)));
  const whole = artifacts.length === manifest.artifacts.length;
  const writesRestored = ({ containers }: Service): boolean =>
    containers.some(({ mounts }) => mounts.some((mount) => mount.writable && places.some((place) => overlaps(place, placeOf(mount)))));
  const touches = (service: Service): boolean =>
    restored.has(service.name) || (whole && service.labels?.set === manifest.set) || writesRestored(service);
  const above = dependents(stack, restored);
  /** Its files are replaced, or what it works with: then it stands still until its command is due. */
  const isDisturbed = (service: Service): boolean =>
    writesRestored(service) ||
    withDependencies(stack, new Set([service.name])).some(({ name }) => name !== service.name && restored.has(name));
  const apps = stack.services.filter(
    (service) =>
      !service.own &&
      !servers.has(service.name) &&
      (commanding.has(service.name) ? isDisturbed(service) : touches(service) || above.has(service.name)),
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
            timeoutMs: stopTimeoutOf(service),
            containers,
          },
        ];
  });
  const isNew = ({ containers }: Service): boolean => containers.every(({ state }) => state === 'created');
  const comeUp = new Set([...standstills.map(({ service }) => service), ...apps.filter(isNew).map(({ name }) => name)]);
  const commanded = withDependencies(stack, commanding).filter(
    (service) => !service.own && (commanding.has(service.name) || comeUp.has(service.name) || isNew(service)),
  );
  const starting = withDependencies(stack, comeUp).filter((service) => !service.own && (comeUp.has(service.name) || isNew(service)));
  const fresh = counterparts.filter(({ own }) => !own).every(isNew);
  return {
    chosen: artifacts,
    files,
    readOnly,
    databases,
    commands,
    wayless,
    commanded,
    standstills: inStartOrder(stack, standstills),
    starting,
    fresh,
  };
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** Everything that a restore replaces. */
export function replacedBy({ files, databases, commands }: RestorePlan): readonly Artifact[] {
  return [...files, ...databases, ...commands];
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
