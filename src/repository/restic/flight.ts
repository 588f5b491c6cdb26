/** Lets so many bytes in at a time, and one however large. */
export interface Flight {
  enter(bytes: number): Promise<void>;
  leave(bytes: number): void;
}

export function createFlight(limit: number): Flight {
  const waiting: (() => void)[] = [];
  let inside = 0;
  async function enter(bytes: number): Promise<void> {
    if (inside === 0 || inside + bytes <= limit) {
      inside += bytes;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
    return enter(bytes);
  }
  return {
    enter,
    leave(bytes) {
      inside -= bytes;
      waiting.splice(0).forEach((resume) => resume());
    },
  };
}
