import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Whoever clones this has an older Node, which cannot run our scripts: npm must not hand them to it. */
test('no command of package.json runs a script with the Node that happens to be there', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(Object.keys(scripts)).toContain('checklist');
  expect(Object.entries(scripts).filter(([, line]) => line.startsWith('node '))).toEqual([]);
});
