import { parentPort, workerData } from 'node:worker_threads';
import { DavitError, messageOf } from '../../model/errors.ts';
import { createSeal } from './crypto.ts';
import { createPacking } from './packing.ts';
import type { FromThread, Question, ThreadData, ToThread } from './threads.ts';

/** Started by threads.ts: a packing in a thread of its own. Each question is answered by one message. */
const { keys, prove, where } = workerData as ThreadData;
const packing = createPacking(createSeal(keys), prove, where);

function work(message: Question): FromThread {
  try {
    if (message === 'finish') return { lengths: [], packs: packing.finish() };
    const { bytes, blobs } = message;
    return { ...packing.add({ bytes: Buffer.from(bytes.buffer), blobs }), bytes };
  } catch (error) {
    return { complaint: error instanceof DavitError ? error.complaint : { where, what: messageOf(error) } };
  }
}

parentPort?.on('message', (message: ToThread) => {
  if (message instanceof ArrayBuffer) return packing.reuse(message);
  const answer = work(message);
  const buffers = 'packs' in answer ? [...(answer.bytes ? [answer.bytes] : []), ...answer.packs.map(({ bytes }) => bytes)] : [];
  parentPort?.postMessage(
    answer,
    buffers.map(({ buffer }) => buffer as ArrayBuffer),
  );
});
