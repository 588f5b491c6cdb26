import { labelSchema, type ServiceLabels } from '../config/labels.ts';
import { parseLabels } from '../config/parse-labels.ts';
import type { FilesSource } from '../model/plan.ts';
import { type Artifact, isInVolume, type Manifest } from '../model/snapshot.ts';
import type { Service, Stack } from './discover.ts';
import { currentMount } from './files.ts';
import { treeOf } from './find.ts';

/**
 * The snapshot before a restore has to hold whatever is replaced, also where the labels have changed since: a service went into another set or takes no part
 * any more, a path or a database is left out by now.
 */

/** A service as that snapshot sees it: in the set that is restored, with every database that is replaced. */
export function asReplaced(service: Service, set: string, replaced: readonly Artifact[]): Service {
  const own = replaced.filter((artifact) => artifact.service === service.name);
  if (own.length === 0) return service;
  // What a wrong label wants cannot be known: it stays a problem, of this set too.
  if (service.labels === undefined && service.problems.length > 0) return { ...service, set };
  const labels = service.labels ?? parseLabels(service.name, {}).labels;
  return labels === undefined ? service : { ...service, set, labels: { ...labels, set, ...dumping(labels, own) } };
}

function dumping({ dump, 'dump.databases': wanted }: ServiceLabels, replaced: readonly Artifact[]): Partial<ServiceLabels> {
  const databases = replaced.filter(({ kind }) => kind === 'database');
  const [one] = replaced.filter(({ kind }) => kind === 'database' || kind === 'accounts');
  if (one === undefined) return {};
  return {
    dump: dump === 'none' ? labelSchema.shape.dump.parse(one.engine) : dump,
    'dump.databases': databases.every(({ name }) => wanted.includes(name)) ? wanted : ['*'],
  };
}

/** The trees that are replaced, as they lie there now. A SQLite database is saved with its tree. */
export function replacedTrees(stack: Stack, manifest: Manifest, replaced: readonly Artifact[]): FilesSource[] {
  const trees = new Set(replaced.filter(isInVolume).map((artifact) => treeOf(manifest.artifacts, artifact) ?? artifact));
  return [...trees].map(({ service, path = '/', mount, include = [], exclude = [] }) => {
    const { type, source, destination, subpath } = currentMount(stack, service, mount?.destination ?? path);
    return {
      kind: 'files',
      service,
      name: `files${path}`,
      order: 0,
      path,
      mount: { type, source, destination, ...(subpath === undefined ? {} : { subpath }) },
      include,
      exclude,
      sqlite: 'auto',
    };
  });
}
