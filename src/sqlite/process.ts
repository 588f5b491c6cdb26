import { Changing, copyDatabase, isLocked, resultCode } from './copying.ts';
import { examine } from './examine.ts';
import type { Outcome } from './outcome.ts';

/**
 * `node process.js SOURCE TARGET`, a process of its own: SQLite's calls block, its locks are those of a process, and this one can be killed at any moment.
 * The outcome goes to stdout as JSON.
 */
async function main(source: string, target: string): Promise<Outcome> {
  try {
    await copyDatabase(source, target);
  } catch (error) {
    return judge(error);
  }
  return { outcome: 'copied', ...examine(target) };
}

const unreadable = [11, 24, 26];
const full = 13;

function judge(error: unknown): Outcome {
  const reason = error instanceof Error ? error.message : String(error);
  const code = resultCode(error);
  if (error instanceof Changing) return { outcome: 'changing', reason };
  if (isLocked(error)) return { outcome: 'locked', reason };
  if (unreadable.includes(code)) return { outcome: 'unreadable', reason };
  if (code === full || (error instanceof Error && 'code' in error && error.code === 'ENOSPC')) return { outcome: 'full', reason };
  throw error;
}

const [, , source = '', target = ''] = process.argv;
process.stdout.write(JSON.stringify(await main(source, target)));
