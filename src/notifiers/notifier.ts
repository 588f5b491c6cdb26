/** What is worth telling about the run of one set. Holds no secret: errors have passed the redactor. */
export interface Notice {
  /** Unknown when not even Davit's own container could be found. */
  readonly stack: string | undefined;
  /** Unknown when a run failed before it came to its sets. */
  readonly set: string | undefined;
  readonly status: 'started' | 'complete' | 'incomplete' | 'failed';
  /** Id of what was stored. */
  readonly snapshot?: string;
  /** Everything that failed, as one text. */
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly durationMs?: number;
  /** Stored, after compression. */
  readonly bytes?: number;
}

/** Somebody who is told how runs go. */
export interface Notifier {
  /** For the log: kind and host, because the rest of an address is often a secret. */
  readonly name: string;
  /** Resolves when the other side has taken it, or when it does not want to know of this status; rejects otherwise, and soon after the signal. */
  notify(notice: Notice, signal: AbortSignal): Promise<void>;
}

/** A kind of notifier: made from an address of its scheme. */
export type CreateNotifier = (address: URL) => Notifier;
