/** How much of what is stored is looked at: that it is there in its size, and of a share of it every byte. */
export type Depth = 'sizes' | 'bytes' | Share;

/** One of so many parts, which together are everything, or a random part. */
export type Share = { readonly part: number; readonly of: number } | { readonly percent: number };

/** Which of these hashes are read. The parts are those of `restic check --read-data-subset`, so that five runs of 1/5 to 5/5 read everything once. */
export function choose(depth: Depth, hashes: readonly string[], random: () => number = Math.random): string[] {
  if (depth === 'sizes') return [];
  if (depth === 'bytes') return [...hashes];
  if ('of' in depth) return hashes.filter((hash) => Number.parseInt(hash.slice(0, 2), 16) % depth.of === depth.part - 1);
  const shuffled = hashes.map((hash) => ({ hash, at: random() })).toSorted((a, b) => a.at - b.at);
  return shuffled.slice(0, Math.ceil((hashes.length * depth.percent) / 100)).map(({ hash }) => hash);
}
