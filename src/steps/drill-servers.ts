import { randomBytes } from 'node:crypto';
import type { Context } from '../context.ts';
import type { Container } from '../docker/docker.ts';
import type { Engine, Target } from '../engines/engine.ts';
import type { Drilled, Proof } from '../model/drill.ts';
import { DavitError, messageOf } from '../model/errors.ts';
import type { Artifact, Manifest } from '../model/snapshot.ts';
import type { Service, Stack } from './discover.ts';
import { type DrillPlan, mountsOfTwin } from './drill-plan.ts';
import { countRows, tried } from './drilled.ts';
import { engineOf, restoreDatabase, serviceOf } from './dump.ts';
import { startDatabase } from './lifecycle.ts';
import { loadInTurns, requireVersion } from './load.ts';
import { createStandIns } from './stand-ins.ts';
import { ownLabels } from './worker.ts';

/** Loads what a snapshot has of one server into a new, empty server that is alone in the world, and takes that away again, whatever happens. */
export async function drillServer(
  context: Context,
  stack: Stack,
  manifest: Manifest,
  { service: name, artifacts }: DrillPlan['servers'][number],
): Promise<Drilled[]> {
  const results = new Map<Artifact, Drilled>();
  const put = async (artifact: Artifact, load: () => Promise<Proof>, explain?: typeof messageOf): Promise<void> =>
    void results.set(artifact, await tried(artifact, 'restored', context.signal, load, explain));
  try {
    const service = serviceOf(stack, name);
    const engine = engineOf(context, artifacts[0].engine);
    await using server = await startTwin(context, stack, service, engine, artifacts[0]);
    await requireVersion(context, server.target, artifacts[0]);
    const load = async (artifact: Artifact): Promise<Proof> => {
      await restoreDatabase(context, server.target, manifest, artifact);
      return { ...countRows(artifact), ...server.proof };
    };
    await loadInTurns(artifacts, async (artifact) => {
      await put(artifact, () => load(artifact));
      return results.get(artifact)?.error;
    });
    // As in a restore: grants on tables can only be given when these are there.
    for (const artifact of artifacts)
      if (artifact.kind === 'accounts' && engine.grantsObjects && results.get(artifact)?.error === undefined)
        await put(artifact, () => load(artifact));
  } catch (error) {
    context.signal.throwIfAborted();
    for (const artifact of artifacts.filter((one) => !results.has(one))) await put(artifact, () => Promise.reject(error), messageOf);
  }
  return [...results.values()];
}

interface Twin extends AsyncDisposable {
  readonly target: Target;
  readonly proof: Proof;
}

async function startTwin(context: Context, stack: Stack, service: Service, engine: Engine, artifact: Artifact): Promise<Twin> {
  const { docker, log } = context;
  const [original] = service.containers;
  const standIns = createStandIns(original);
  const id = await docker.twin(original.id, {
    name: `davit-drill-${stack.name}-${service.name}-${randomBytes(4).toString('hex')}`,
    hostname: service.name.slice(0, 63),
    image: artifact.imageDigest === original.imageId ? undefined : artifact.imageDigest,
    labels: ownLabels(stack),
    ...mountsOfTwin(original.mounts, engine.dataDirectories),
    standIns: { ...standIns, words: (words) => standIns.words(engine.alone?.(words) ?? words) },
  });
  const remove = (): Promise<void> =>
    docker.remove(id).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'is left for the next run to remove'));
  try {
    const container = await docker.inspect(id);
    const proof = proofOf(container, original, artifact);
    const { target } = await startDatabase(context, { ...service, containers: [container] }, engine).catch((cause: unknown) => {
      throw cause instanceof DavitError ? silent(service, proof, cause) : cause;
    });
    return { target, proof, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function silent({ name }: Service, { image }: Proof, cause: DavitError): DavitError {
  const { what, seen } = cause.complaint;
  const fix = `see whether a new container of ${image} comes up with the variables of this service and empty volumes; the snapshot itself was not tried`;
  return new DavitError({ where: `a new server for service "${name}"`, what, seen, fix }, { cause });
}

/** Names the image that was tried, and says where the service has another one. */
function proofOf({ imageId }: Container, original: Container, { image, imageDigest }: Pick<Artifact, 'image' | 'imageDigest'>): Proof {
  if (imageDigest !== undefined && imageDigest !== imageId)
    return {
      image: original.image,
      note: `loaded with the image that the service has now: this machine no longer has the one of the snapshot, ${imageDigest}`,
    };
  if (imageId === original.imageId) return { image: original.image };
  return {
    image: image ?? imageId,
    note: `loaded with the image of the snapshot: the service has another one by now, ${original.image} (${original.imageId}), which was not tried`,
  };
}
