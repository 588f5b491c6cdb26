import type { Node } from './tree.ts';

/** Finds one thing after another, in the order of their names, which is that of a tree. */
export function createFinder(nodes: Iterator<Node>) {
  let next = nodes.next();
  let count = 0;

  function pass(): void {
    next = nodes.next();
    count += 1;
  }

  return {
    find(name: Buffer): Node | undefined {
      while (!next.done && Buffer.compare(next.value.name, name) < 0) pass();
      return next.done || !next.value.name.equals(name) ? undefined : next.value;
    },
    /** Of all there are; there is nothing to be found afterwards. */
    count(): number {
      while (!next.done) pass();
      return count;
    },
  };
}
