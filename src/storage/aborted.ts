/** Rejects with the reason once the signal aborts; for a race with work that may wait for a storage that stands still. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
}
