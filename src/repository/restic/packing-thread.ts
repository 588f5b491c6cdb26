import { parentPort, workerData } from 'node:worker_threads';
import { DavitError, messageOf } from '../../model/errors.ts';
import { createSeal } from './crypto.ts';
import { createPacking } from './packing.ts';
import type { ToThread, FromThread, ThreadData } from './threads.ts';

/** Started by threads.ts: a packing in a thread of its own. Each message is answered by one. */
const { keys, prove, where } = workerData as ThreadData;
const packing = createPacking(createSeal(keys), prove, where);

function work(message: ToThread): FromThread {
  try {
    if (message === 'finish') return { lengths: [], packs: packing.finish() };
    const { bytes, blobs } = message;
    return packing.add({ bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), blobs });
  } catch (error) {
    return { complaint: error instanceof DavitError ? error.complaint : { where, what: messageOf(error) } };
  }
}

parentPort?.on('message', (message: ToThread) => {
  const answer = work(message);
  parentPort?.postMessage(answer, 'packs' in answer ? answer.packs.map(({ bytes }) => bytes.buffer as ArrayBuffer) : []);
});
