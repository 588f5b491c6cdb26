import { readFileSync } from 'node:fs';

/** What Docker gives a container, and what it takes to read everybody's files and to give them back. */
const needed = { CHOWN: 0n, DAC_OVERRIDE: 1n, FOWNER: 3n, FSETID: 4n, MKNOD: 27n, SETFCAP: 31n };

/** Whether this process may do with files what a worker may. Davit may run as another user than root, or with fewer capabilities. */
export function isAlmighty(status = (): string => readFileSync('/proc/self/status', 'utf8')): boolean {
  const [, held = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status()) ?? [];
  return Object.values(needed).every((bit) => ((BigInt(`0x${held}`) >> bit) & 1n) === 1n);
}

/** Who this process is, when it is not root: workers are, and what they store must be its. */
export function guest(): { uid: number; gid: number } | undefined {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return uid === 0 ? undefined : { uid, gid };
}
