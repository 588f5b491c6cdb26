import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const password = 'the password of the tests';

const suites = ['bookworm', 'trixie', 'sid'];

export interface Restic {
  readonly name: string;
  readonly program: string;
  /** Its stdout; fails when it exits with anything but 0. */
  run(repository: string, ...args: string[]): string;
  /** The same, in a folder. */
  runIn(folder: string, repository: string, ...args: string[]): string;
}

/** Real restic, 0.14 and newer, as far as `npm run setup` could get them; the newest is last. */
export const restics: readonly Restic[] = suites
  .map((suite) => ({ suite, program: join(import.meta.dirname, `../../.toolchain/restic-${suite}/usr/bin/restic`) }))
  .filter(({ program }) => existsSync(program))
  .map(({ suite, program }) => {
    const runIn = (cwd: string, repository: string, ...args: string[]): string =>
      execFileSync(program, ['--repo', repository, '--no-cache', ...args], {
        cwd,
        env: { PATH: process.env['PATH'], HOME: '/nonexistent', TZ: 'UTC', RESTIC_PASSWORD: password },
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
    return { name: `restic of ${suite}`, program, run: (repository, ...args) => runIn('/', repository, ...args), runIn };
  });

export function newestRestic(): Restic {
  const newest = restics.at(-1);
  if (newest === undefined) throw new Error('there is no restic: run `npm run setup`');
  return newest;
}
