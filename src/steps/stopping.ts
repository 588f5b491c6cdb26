import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../model/errors.ts';
import type { Context } from '../context.ts';
import type { Run } from './run.ts';

/** Docker kills what has not stopped after ten seconds. */
const lastMs = 3000;

/** Waits for work that can be left alone when Davit is told to stop: reading, and removing what the next run would remove as well. */
export async function unlessStopped<T>({ signal }: Pick<Context, 'signal'>, work: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Removes what a run has stored that did not end well. What cannot be removed now goes with the next run: it must not hide the reason, nor keep Davit from stopping. */
export async function abandon({ signal, log }: Context, run: Run): Promise<void> {
  const removal = run.writer.abort();
  try {
    if (!signal.aborted) return await removal;
    if ((await Promise.race([removal.then(() => 'removed'), wait(lastMs, 'late', { ref: false })])) === 'late')
      throw new Error('the storage did not answer in time');
  } catch (error) {
    log.warn({ snapshot: run.address.id, error: messageOf(error) }, 'what was stored is left for the next run to remove');
  }
}
