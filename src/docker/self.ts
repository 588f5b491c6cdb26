import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Daemon } from './daemon.ts';

export interface Traces {
  readonly mountinfo: string;
  readonly cgroup: string;
  readonly hostname: string;
}

/**
 * Ids that this process' container may have, the likeliest first. Docker mounts three files of the container's own directory into it; on the
 * host itself the same directories appear under other mount points. The hostname is the short id unless somebody set another.
 */
export function candidates({ mountinfo, cgroup, hostname }: Traces): string[] {
  const mounted = mountinfo.split('\n').flatMap((line) => {
    const [, , , root = '', mountPoint = ''] = line.split(' ');
    return /^\/etc\/(resolv\.conf|hostname|hosts)$/.test(mountPoint) ? idsIn(root) : [];
  });
  const short = /^[0-9a-f]{12,64}$/.test(hostname) ? [hostname] : [];
  return [...new Set([...mounted, ...short, ...idsIn(cgroup)])];
}

function idsIn(text: string): string[] {
  return [...text.matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g)].map(([id]) => id);
}

/** The writable layer under `/`: it tells apart containers that share one network, and with it the three files. */
export function upperDirOf(mountinfo: string): string | undefined {
  const root = mountinfo.split('\n').find((line) => line.split(' ')[4] === '/');
  return root === undefined ? undefined : /[ ,]upperdir=([^, ]+)/.exec(root)?.[1];
}

async function readTraces(): Promise<Traces> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  return { mountinfo: await read('/proc/self/mountinfo'), cgroup: await read('/proc/self/cgroup'), hostname: hostname() };
}

/** The first candidate that Docker knows and whose writable layer is not provably another one. */
export async function findSelf(daemon: Pick<Daemon, 'find'>, traces?: Traces): Promise<string | undefined> {
  const seen = traces ?? (await readTraces());
  const ours = upperDirOf(seen.mountinfo);
  for (const candidate of candidates(seen)) {
    const info = await daemon.find(candidate);
    const theirs = info?.GraphDriver?.Data?.['UpperDir'];
    if (info && (!ours || !theirs || ours === theirs)) return info.Id;
  }
  return undefined;
}
