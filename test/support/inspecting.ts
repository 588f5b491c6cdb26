import type { Inspector } from '../../src/engines/engine.ts';
import type { Table } from '../../src/model/snapshot.ts';

/** Gives a dump in pieces to an inspector of its own: what it found, and whether it took the dump for whole. */
export function inspecting(create: () => Inspector) {
  function inspect(pieces: readonly Buffer[]): Table[] | undefined {
    const inspector = create();
    for (const piece of pieces) {
      const chunk = Buffer.from(piece);
      inspector.see(chunk);
      // Whoever comes next gives the memory back.
      chunk.fill(0xa5);
    }
    return inspector.conclude();
  }
  function isAccepted(pieces: readonly Buffer[]): boolean {
    try {
      inspect(pieces);
      return true;
    } catch {
      return false;
    }
  }
  return { inspect, isAccepted };
}
