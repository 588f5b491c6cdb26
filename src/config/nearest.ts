import leven from 'leven';

/** How many typing errors lie between two words. */
export const distance: (a: string, b: string) => number = leven;

/** What a person may have meant. A name without what it belongs to, such as `exclude`, is nearer than any typing error. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const far = (name: string): number => (name.endsWith(`.${word}`) ? 0 : distance(name, word));
  const [best] = known.map((name) => ({ name, far: far(name) })).toSorted((a, b) => a.far - b.far);
  return best !== undefined && best.far <= Math.max(2, word.length / 3) ? best.name : undefined;
}
