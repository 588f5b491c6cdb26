import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { Context } from '../context.ts';
import type { Worker, WorkerSpec } from '../docker/docker.ts';
import { DavitError, exitCodes, messageOf } from '../model/errors.ts';
import type { FilesSource } from '../model/plan.ts';
import type { Stack } from './discover.ts';
import type { Job } from './job.ts';
import { guest } from './privileges.ts';
import { otherOwner, owned } from './owner.ts';
import { requireMount, storageFolders } from './storage-folders.ts';

/** Where a worker finds the volume that it was started for. */
export const workerRoot = '/tree';
/** Where a worker may copy a SQLite database to. */
const scratchMount = '/scratch';
export const workerScratch = `${scratchMount}/sqlite`;
/** Where it unpacks what nobody keeps. */
export const drillRoot = `${scratchMount}/tree`;
export const workerLabel = 'io.davit.worker';

/** What a worker reports, one JSON object a line. */
export const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('alive'), bytes: z.number() }),
  z.object({ event: z.literal('done'), result: z.unknown().optional() }),
  z.object({
    event: z.literal('failed'),
    exitCode: z.literal([exitCodes.failed, exitCodes.configuration]).default(exitCodes.failed),
    complaint: z.object({ where: z.string(), what: z.string(), seen: z.string().optional(), fix: z.string().optional() }),
  }),
]);
export type WorkerEvent = z.infer<typeof eventSchema>;

/** A worker says that often that it is alive, and counts as hung when it says nothing for so long. */
export const pulseMs = 2000;
const silenceMs = 120_000;
/** After its outcome it ends by itself, unless something in it does not; then it is removed. */
const endMs = 30_000;

/** Reading needs to pass permissions; restoring needs to give files back to their owners. */
const capabilities = {
  capture: ['DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER'],
  extract: ['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP'],
  drill: ['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP'],
} as const;

/** What a container that Davit made is known by, when it has been left behind. */
export function ownLabels(stack: Stack): Record<string, string> {
  return { [workerLabel]: stack.name, ...owned(stack) };
}

/** Does a job in a short-lived container of Davit's own image that holds this one volume, or, for a drill, none of anybody's. */
export async function inWorker(context: Context, stack: Stack, mount: FilesSource['mount'] | undefined, job: Job): Promise<unknown> {
  const { docker, environment } = context;
  const place = mount?.destination ?? job.path;
  const owner = guest();
  const spec: WorkerSpec = {
    name: `davit-worker-${stack.name}-${randomBytes(4).toString('hex')}`,
    image: stack.own.imageId,
    argv: ['davit', 'worker'],
    labels: ownLabels(stack),
    mounts: [
      ...(mount === undefined
        ? []
        : [{ type: mount.type, source: mount.source, subpath: mount.subpath, target: workerRoot, readOnly: job.kind === 'capture' }]),
      ...storageMounts(stack, environment),
    ],
    scratch: job.kind === 'drill' || (job.kind === 'capture' && job.sqlite !== 'none') ? scratchMount : undefined,
    networkMode: `container:${stack.own.id}`,
    capabilities: [...new Set([...capabilities[job.kind], ...(owner === undefined ? [] : ['CHOWN'])])],
  };
  const silent = new AbortController();
  const order = JSON.stringify({ environment: await context.workerEnvironment(), authorities: context.authorities, owner, job });
  const worker = await docker.work(spec, order, AbortSignal.any([context.signal, silent.signal]));
  const last = await outcomeOf(worker, context.progress.add);
  if (last === undefined) silent.abort();
  worker.release();
  const overdue = setTimeout(() => silent.abort(), endMs);
  const { exitCode, stderr, outOfMemory } = await worker.exited.finally(() => clearTimeout(overdue));
  if (last?.event === 'done' && exitCode === 0) return last.result;
  if (last?.event === 'failed')
    throw new DavitError({ ...last.complaint, where: last.complaint.where.replaceAll(workerRoot, place) }, { exitCode: last.exitCode });
  throw new DavitError({
    where: `worker for ${place}`,
    seen: stderr.trim().split('\n').at(-1),
    ...howItEnded(exitCode, outOfMemory),
  });
}

function howItEnded(exitCode: number, outOfMemory: boolean): { what: string; fix: string } {
  if (outOfMemory)
    return {
      what: 'was killed for want of memory before it was done',
      fix: 'free memory on this machine, or raise the limit of its containers',
    };
  if (exitCode === 137)
    return {
      what: 'was killed (exit code 137) before it was done',
      fix: 'look who removed or killed it, and for too little memory: `dmesg`',
    };
  return { what: `ended with exit code ${exitCode} before it was done`, fix: 'look at the log of the Docker engine' };
}

/** The outcome; undefined when the worker ended, or was silent for too long, without one. */
async function outcomeOf({ lines }: Worker, count: (bytes: number) => void): Promise<Exclude<WorkerEvent, { event: 'alive' }> | undefined> {
  const iterator = lines[Symbol.asyncIterator]();
  for (;;) {
    const silence = new AbortController();
    const timeout = wait(silenceMs, undefined, { signal: silence.signal }).catch(() => undefined);
    const next = await Promise.race([iterator.next(), timeout]).finally(() => silence.abort());
    if (next === undefined || next.done === true) return undefined;
    const event = eventSchema.parse(JSON.parse(next.value));
    if (event.event !== 'alive') return event;
    count(event.bytes);
  }
}

/** Directory storages are reached through the same mounts that Davit has. */
function storageMounts(stack: Stack, environment: Context['environment']): WorkerSpec['mounts'] {
  const mounts = storageFolders(environment).map((folder) => requireMount(stack.own, folder));
  return [
    ...new Map(
      mounts.map(({ type, source, subpath, destination }) => [
        destination,
        { type, source, subpath, target: destination, readOnly: false },
      ]),
    ).values(),
  ];
}

/** Workers end with the process that started them, unless the engine was itself killed; the servers of a drill do not. Another Davit that is alive keeps its own. */
export async function removeOrphans(context: Context, stack: Stack): Promise<void> {
  const { docker, log } = context;
  for (const container of await docker.containers([`${workerLabel}=${stack.name}`])) {
    if ((await otherOwner(context, stack, container)) !== undefined) continue;
    await docker.remove(container.id).then(
      () => log.warn({ container: container.name }, 'removed a container that was left behind'),
      (error: unknown) => log.warn({ error: messageOf(error) }, 'a container that was left behind cannot be removed'),
    );
  }
}
