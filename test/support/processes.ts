import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Process {
  readonly pid: number;
  readonly argv: string;
  readonly env: string;
}

/** Children of this process that run now, and their children. */
export function children(parent = process.pid): Process[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.flatMap((pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      if (Number(fields[1]) !== parent || fields[0] === 'Z') return [];
      const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').replaceAll('\0', ' ');
      return [{ pid: Number(pid), argv: read('cmdline'), env: read('environ') }, ...children(Number(pid))];
    } catch {
      return [];
    }
  });
}

/** Waits until a condition holds; the test's own time limit ends a wait in vain. */
export async function until<T>(condition: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const result = await condition();
    if (result !== undefined && result !== false) return result;
    await delay(5);
  }
}
