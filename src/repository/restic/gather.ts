const slabBytes = 4 * 1024 * 1024;
/** Small blobs go together, because each message to a thread has its price. */
const [enoughBytes, enoughThings] = [1024 * 1024, 1000];

/** Blobs on their way to be packed, one after another in slabs that are used over and over: neither malloc nor the kernel need find memory for each. */
export interface Gatherer<T> {
  /** Resolves when the bytes have been copied: they may then be overwritten. */
  add(plain: Uint8Array, thing: T): Promise<void>;
  /** Sends what has been gathered. */
  send(): void;
}

/** One slab fills while the others are packed. `pack` gives it back when that is done, or undefined when it failed. */
export function createGatherer<T>(slabsAtOnce: number, pack: (slab: Buffer, things: T[]) => Promise<Buffer | undefined>): Gatherer<T> {
  const free: Buffer[] = [];
  let waiting: (() => void)[] = [];
  let made = 0;
  let slab: Buffer | undefined;
  let used = 0;
  let things: T[] = [];

  function send(): void {
    if (slab === undefined || used === 0) return;
    void pack(slab, things).then(take);
    [slab, used, things] = [undefined, 0, []];
  }

  function take(given: Buffer | undefined): void {
    if (given?.length === slabBytes) free.push(given);
    else made--;
    const resumed = waiting;
    waiting = [];
    resumed.forEach((resume) => resume());
  }

  /** What is larger than a slab, a large chunk or tree, gets one of its own. */
  function make(length: number): Buffer | undefined {
    if (made >= slabsAtOnce) return undefined;
    made++;
    return Buffer.allocUnsafeSlow(Math.max(slabBytes, length));
  }

  return {
    send,
    async add(plain, thing) {
      while (slab === undefined || slab.length - used < plain.length) {
        if (used > 0) send();
        else if (slab !== undefined) take(undefined);
        slab = plain.length <= slabBytes ? (free.pop() ?? make(slabBytes)) : make(plain.length);
        if (slab !== undefined) continue;
        // Memory that is idle makes room for one that is larger.
        if (free.pop() !== undefined) made--;
        else await new Promise<void>((resolve) => waiting.push(resolve));
      }
      slab.set(plain, used);
      used += plain.length;
      things.push(thing);
      if (used >= enoughBytes || things.length >= enoughThings) send();
    },
  };
}
