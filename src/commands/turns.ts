import pLimit from 'p-limit';

export interface Turns {
  /** Never rejects: a part that fails is told to `failed`, and keeps nobody behind it from his turn. */
  take(part: () => Promise<void>): Promise<void>;
}

/** Parts that must not run at the same time, in the order in which they came. */
export function createTurns(failed: (error: unknown) => void): Turns {
  const one = pLimit(1);
  return { take: (part) => one(part).catch(failed) };
}
