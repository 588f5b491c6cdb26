export interface IdleWatch {
  readonly limitMs: number;
  /** Any number that changes when something moved. */
  progress(): number;
  /** Waiting on our side is not the other's silence: a slow upload may stall a healthy dump for long. */
  isOurTurn(): boolean;
  /** Called every few seconds while nothing moves. */
  onSilence?(sinceMs: number): void;
  onIdle(): void;
}

/** Calls `onIdle` once when nothing has moved for `limitMs`. A paused container and a dead link show no event at all. */
export function watchIdle({ limitMs, progress, isOurTurn, onSilence, onIdle }: IdleWatch): { stop(): void } {
  let seen = progress();
  let since = performance.now();
  const timer = setInterval(
    () => {
      const now = progress();
      if (now !== seen || isOurTurn()) {
        seen = now;
        since = performance.now();
      } else if (performance.now() - since >= limitMs) {
        clearInterval(timer);
        onIdle();
      } else {
        onSilence?.(performance.now() - since);
      }
    },
    Math.min(5000, Math.max(10, limitMs / 4)),
  );
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
