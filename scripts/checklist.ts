import { existsSync, readFileSync } from 'node:fs';
import { type Proof, requirements } from '../test/e2e/apps/checklist.ts';

/** Prints what the four apps ask of a backup and which tests prove it: `npm run checklist`. Exits with 1 when a named test does not exist. */

/** The proofs that no test file holds under that title. */
export function missing(proofs: readonly Proof[]): Proof[] {
  return proofs.filter(({ file, title }) => {
    const path = new URL(`../test/${file}`, import.meta.url);
    return !existsSync(path) || !["'", '"', '`'].some((quote) => readFileSync(path, 'utf8').includes(`${quote}${title}${quote}`));
  });
}

if (import.meta.main) {
  for (const { number, text, proofs } of requirements) {
    const lines = proofs.map(({ file, title }) => `${file}: ${title}`);
    const [first = '', ...rest] = lines;
    process.stdout.write(
      [`${String(number).padStart(2)}  ${text.padEnd(68)}${first}`, ...rest.map((line) => ' '.repeat(72) + line), ''].join('\n'),
    );
  }
  const lost = missing(requirements.flatMap(({ proofs }) => proofs));
  for (const { file, title } of lost) process.stderr.write(`✗ test/${file} has no test "${title}"\n`);
  process.exitCode = lost.length === 0 ? 0 : 1;
}
