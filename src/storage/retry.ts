import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  /** Longest time from the first failure to the last attempt. */
  readonly patienceMs: number;
  /** Most attempts, however soon they fail. */
  readonly attempts?: number;
  readonly isTransient: (error: unknown) => boolean;
  readonly signal?: AbortSignal | undefined;
}

const longestPauseMs = 10_000;

/** Repeats what failed for a reason that may pass, with growing, jittered pauses. */
export async function retry<T>(
  attempt: () => Promise<T>,
  { patienceMs, attempts = Infinity, isTransient, signal }: RetryOptions,
): Promise<T> {
  let firstFailureAt: number | undefined;
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      firstFailureAt ??= performance.now();
      const pauseMs = Math.min(longestPauseMs, 100 * 2 ** failures) * (0.5 + Math.random() / 2);
      const isOver = failures >= attempts || performance.now() + pauseMs - firstFailureAt > patienceMs;
      if (signal?.aborted || isOver || !isTransient(error)) throw error;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
