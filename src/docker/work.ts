import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DavitError, NameTaken } from '../model/errors.ts';
import type { Daemon } from './daemon.ts';
import type { Worker, WorkerSpec } from './docker.ts';
import { createFrameParser } from './frames.ts';
import { createTail } from './tail.ts';
import { statusOf, wasCut } from './trouble.ts';

/** A worker that is told to stop, by the end of its stdin, may abort its uploads for so long: Docker gives Davit itself ten seconds. */
const graceMs = 3000;

/** A wait that fails sooner has another reason than its length. */
const patienceMs = 20_000;

export async function work(daemon: Daemon, spec: WorkerSpec, job: string, signal?: AbortSignal): Promise<Worker> {
  signal?.throwIfAborted();
  const id = await daemon.create(workerOptions(spec));
  try {
    // Attached before the start, so that no line is missed; waited for before the start, so that no exit is.
    const socket = await daemon.attach(id);
    socket.on('error', () => {});
    const gone = removal(daemon, id);
    gone.catch(() => {});
    await daemon.change(id, 'start');
    socket.write(`${job}\n`);
    return attend(daemon, id, socket, gone, signal);
  } catch (error) {
    await daemon.remove(id);
    throw error;
  }
}

/** A proxy may end a long wait for want of traffic; the worker works on. */
async function removal(daemon: Daemon, id: string): Promise<number> {
  for (;;) {
    const since = performance.now();
    try {
      return await daemon.removed(id);
    } catch (error) {
      if (performance.now() - since < patienceMs || !(await daemon.find(id))) throw error;
    }
  }
}

function attend(daemon: Daemon, id: string, socket: Socket, gone: Promise<number>, signal: AbortSignal | undefined): Worker {
  const stderr = createTail();
  let isReleased = false;
  let outOfMemory = false;
  const abort = async (): Promise<void> => {
    socket.end();
    for (const since = performance.now(); performance.now() - since < graceMs; await delay(100, undefined, { ref: false }))
      if (await isGone(daemon, id)) return;
    await daemon.remove(id);
  };
  const unstoppable = Promise.withResolvers<never>();
  const onAbort = (): void => void abort().catch(unstoppable.reject);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();

  const left = gone.catch(async (error: unknown) => {
    await abort().catch(() => {});
    throw error;
  });
  // What waits for a disk that does not answer can be neither killed nor removed.
  const exited = Promise.race([left, unstoppable.promise])
    .then((exitCode) => ({ exitCode, stderr: stderr.text(), outOfMemory }))
    .finally(() => signal?.removeEventListener('abort', onAbort));
  exited.catch(() => {});
  return {
    lines: (async function* () {
      yield* linesOf(socket, stderr.add);
      if (!isReleased) outOfMemory = await ranOutOfMemory(daemon, id);
    })(),
    release() {
      isReleased = true;
      socket.end();
    },
    exited,
  };
}

function isGone(daemon: Daemon, id: string): Promise<boolean> {
  return daemon.find(id).then(
    (info) => info === undefined,
    () => false,
  );
}

/** Asked at once when a worker has ended by itself: Docker removes it within a moment, and the reason with it. */
async function ranOutOfMemory(daemon: Daemon, id: string): Promise<boolean> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const state = await daemon.find(id).then(
      (info) => info?.State,
      () => undefined,
    );
    if (state === undefined || state.Status !== 'running') return state?.OOMKilled === true;
    await delay(10);
  }
  return false;
}

/** Lines of stdout, as they come. Leaving the loop early closes the connection, which tells the worker to stop. */
async function* linesOf(socket: Socket, onStderr: (bytes: Buffer) => void): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let text = '';
  const frames = createFrameParser({ stdout: (bytes) => (text += decoder.decode(bytes, { stream: true })), stderr: onStderr });
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      frames.write(chunk);
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if (!wasCut(error)) throw error;
  }
  if (text !== '') yield text;
}

function workerOptions({ name, image, argv, labels, mounts, scratch, networkMode, capabilities }: WorkerSpec) {
  return {
    name,
    Image: image,
    Entrypoint: [...argv],
    Cmd: [],
    Labels: { ...labels },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      AutoRemove: true,
      Init: false,
      LogConfig: { Type: 'none' },
      NetworkMode: networkMode,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: [...capabilities],
      SecurityOpt: ['no-new-privileges'],
      Mounts: [
        ...mounts.map(({ type, source, subpath, target, readOnly }) => ({
          Type: type,
          Source: source,
          Target: target,
          ReadOnly: readOnly,
          // An empty volume stays empty: nothing of the image is copied into it.
          ...(type === 'volume' ? { VolumeOptions: { NoCopy: true, ...(subpath === undefined ? {} : { Subpath: subpath }) } } : {}),
          // On an empty host, nothing has started yet that would have made the folder. Engines before 23 do not know this option.
          ...(type === 'bind' && !readOnly ? { BindOptions: { CreateMountpoint: true } } : {}),
        })),
        // A volume without a name is removed together with its container.
        ...(scratch === undefined ? [] : [{ Type: 'volume', Target: scratch }]),
      ],
    },
  };
}

/** Never started, so it needs nothing; its labels are the message. */
export async function note(daemon: Daemon, name: string, image: string, labels: Readonly<Record<string, string>>): Promise<string> {
  try {
    return await daemon.create({
      name,
      Image: image,
      Entrypoint: ['true'],
      Cmd: [],
      Labels: { ...labels },
      HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none' }, ReadonlyRootfs: true, CapDrop: ['ALL'] },
    });
  } catch (error) {
    throw error instanceof DavitError && statusOf(error) === 409 ? new NameTaken(error.complaint, { cause: error }) : error;
  }
}
