import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Complaint, DavitError } from '../../model/errors.ts';
import type { Keys, Seal } from './crypto.ts';
import type { FullPack } from './pack.ts';
import { type Batch, createPacking, type Packed } from './packing.ts';

export interface ThreadData {
  readonly keys: Keys;
  readonly prove: boolean;
  readonly where: string;
}
/** What crosses to a thread loses its class, so that a buffer arrives as an array. */
export type Question = 'finish' | { readonly bytes: Uint8Array; readonly blobs: Batch['blobs'] };
export type ToThread = Question | ArrayBuffer;
export type FromThread = (Packed & { readonly bytes?: Uint8Array }) | { readonly complaint: Complaint };

/** Whoever has sent a pack says so, and its memory is used again. */
export interface SentPack extends FullPack {
  release(): void;
}
/** `bytes`: the memory of the batch, to be used again. */
export type Sent = Omit<Packed, 'packs'> & { readonly bytes?: Buffer; readonly packs: readonly SentPack[] };

/** Packs, here and in other threads when there is much. */
export interface Packer {
  pack(batch: Batch): Promise<Sent>;
  /** What is not full yet. Ends the threads. */
  finish(): Promise<SentPack[]>;
  /** Ends the threads, and what they have is lost. */
  stop(): Promise<void>;
}

/** Before that, starting a thread costs more than it saves: an unchanged tree, a small dump. */
const worthThreadsBytes = 8 * 1024 * 1024;
/** Beside the thread that reads and cuts, which packs as well while all others have so many batches to do that none runs out of them meanwhile. */
const mostThreads = Math.min(Math.max(1, availableParallelism() - 1), 4);
const behind = 3;
/** How many keep everybody busy. */
export const batchesAtOnce = 2 * mostThreads + 2;

export function createPacker(seal: Seal, prove: boolean, where: string): Packer {
  const here = createPacking(seal, prove, where);
  let threads: Thread[] = [];
  let seen = 0;

  function packHere(batch: Batch): Sent {
    const { lengths, packs } = here.add(batch);
    return { bytes: batch.bytes, lengths, packs: packs.map((full) => reusing(full, here.reuse)) };
  }

  function free(): Thread | undefined {
    const [least] = threads.toSorted((one, other) => one.waiting() - other.waiting());
    return least !== undefined && least.waiting() < behind ? least : undefined;
  }

  function startAnother(): Thread | undefined {
    if (threads.length === mostThreads || threads.some(({ isWarm }) => !isWarm())) return undefined;
    const next = startThread({ keys: seal.keys, prove, where });
    threads.push(next);
    return next;
  }

  async function stop(): Promise<void> {
    const ending = threads;
    threads = [];
    await Promise.all(ending.map((thread) => thread.stop()));
  }

  return {
    stop,
    async pack(batch) {
      seen += lengthOf(batch);
      // Blobs of different types go into different packs: trees, which are few, all go into those of one thread.
      if (seen < worthThreadsBytes || batch.blobs.some(({ type }) => type === 'tree')) return packHere(batch);
      // After a turn, what they have answered meanwhile is known.
      const thread = free() ?? startAnother() ?? (await nextTurn().then(free));
      return thread?.ask(batch) ?? packHere(batch);
    },
    async finish() {
      const rest = await Promise.all(threads.map((thread) => thread.ask('finish')));
      await stop();
      seen = 0;
      return [...here.finish().map((full) => reusing(full, here.reuse)), ...rest.flatMap(({ packs }) => packs)];
    },
  };
}

interface Thread {
  ask(message: Batch | 'finish'): Promise<Sent>;
  /** How many questions it has not answered yet. */
  waiting(): number;
  /** It has answered one. */
  isWarm(): boolean;
  stop(): Promise<unknown>;
}

function startThread(data: ThreadData): Thread {
  const worker = new Worker(new URL(`./packing-thread${extname(import.meta.url)}`, import.meta.url), { workerData: data });
  const asked: PromiseWithResolvers<Sent>[] = [];
  let end: Error | undefined;
  let isWarm = false;

  const reuse = (memory: ArrayBuffer): void => worker.postMessage(memory, [memory]);
  function fail(error: Error): void {
    end ??= error;
    asked.splice(0).forEach(({ reject }) => reject(error));
  }
  worker.on('error', (error) => fail(error as Error));
  worker.on('exit', () => fail(new DavitError({ where: data.where, what: 'a thread that packs has ended' })));
  worker.on('message', (answer: FromThread) => {
    const question = asked.shift();
    isWarm = true;
    // Nothing else keeps the process alive while it waits, and nothing may once it does not.
    if (asked.length === 0) worker.unref();
    if ('complaint' in answer) question?.reject(new DavitError(answer.complaint));
    else
      question?.resolve({
        lengths: answer.lengths,
        ...(answer.bytes ? { bytes: Buffer.from(answer.bytes.buffer) } : {}),
        packs: answer.packs.map((full) => reusing(full, reuse)),
      });
  });

  return {
    waiting: () => asked.length,
    isWarm: () => isWarm,
    stop: () => worker.terminate(),
    ask(message) {
      if (end !== undefined) return Promise.reject(end);
      const question = Promise.withResolvers<Sent>();
      asked.push(question);
      worker.ref();
      worker.postMessage(message, message === 'finish' ? [] : [message.bytes.buffer as ArrayBuffer]);
      return question.promise;
    },
  };
}

function lengthOf({ blobs }: Batch): number {
  return blobs.reduce((sum, { length }) => sum + length, 0);
}

function reusing(full: FullPack, reuse: (memory: ArrayBuffer) => void): SentPack {
  const memory = full.bytes.buffer as ArrayBuffer;
  return { ...full, bytes: Buffer.from(memory, full.bytes.byteOffset, full.bytes.length), release: () => reuse(memory) };
}
