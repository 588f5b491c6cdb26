import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What a command and everything below it took: seconds, seconds, and the largest sum of peak resident memory in MiB. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
  readonly memory: number;
}

const sampleMs = 20;

export async function costOf(command: string, environment: Readonly<Record<string, string>>): Promise<Cost> {
  const child = spawn('bash', ['-o', 'pipefail', '-ec', `TIMEFORMAT='%R %U %S'; time { ${command}; }`], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const peaks = new Map<string, number>();
  const timer = setInterval(() => see(child.pid ?? 0, peaks), sampleMs);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  const [wall = 0, user = 0, system = 0] = (said.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  if (exitCode !== 0) throw new Error(`${command}: exit code ${exitCode}\n${said}`);
  return { wall, cpu: user + system, memory: [...peaks.values()].reduce((sum, peak) => sum + peak, 0) / 1024 };
}

/** The kernel keeps each process's own peak. A shell that becomes a program counts as the program. */
function see(parent: number, peaks: Map<string, number>): void {
  for (const pid of childrenOf(parent)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      if (!/^Name:\s+(bash|sh)$/m.test(status))
        peaks.set(String(pid), Math.max(peaks.get(String(pid)) ?? 0, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0)));
    } catch {
      continue;
    }
    see(pid, peaks);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
