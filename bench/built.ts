import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Davit's part of the comparisons as it is in the image: bundled, and compiled once. */
export const built = mkdtempSync(join(tmpdir(), 'davit-built-'));
process.on('exit', () => rmSync(built, { recursive: true, force: true }));
const entries = [join(import.meta.dirname, 'snapshot.ts'), join(import.meta.dirname, '../src/repository/restic/packing-thread.ts')];
execFileSync('npx', ['rolldown', ...entries, '--platform', 'node', '--format', 'esm', '--dir', built], { stdio: 'ignore' });
writeFileSync(join(built, 'package.json'), '{"type":"module"}');

export const davit = `node --max-semi-space-size=2 --initial-old-space-size=48 --heap-growing-percent=20 ${join(built, 'snapshot.js')}`;
export const compileCache = { NODE_COMPILE_CACHE: join(built, 'compiled') };

export const password = 'bench';

/** The newest there is. */
export function findRestic(): string {
  const found = ['sid', 'trixie', 'bookworm']
    .map((suite) => join(import.meta.dirname, `../.toolchain/restic-${suite}/usr/bin/restic`))
    .find(existsSync);
  if (found === undefined) throw new Error('there is no restic: run `npm run setup`');
  return found;
}
