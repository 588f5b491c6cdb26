import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * One run of one side. CPU is that of the whole machine, so that the engine's part counts on both sides, less what measuring takes itself, which is more the more
 * memory a side has; run on a quiet machine.
 */
export interface Reading {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Largest sum of resident memory of the side's own processes, and the same with shared pages counted once. */
  readonly rssMebibytes: number;
  readonly pssMebibytes: number;
}

const sampleMs = 150;

function machineCpuSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

/** Processes whose command line contains `mark`, and everything below them. */
function family(isOurs: (pid: number, args: string) => boolean): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(all.map((pid) => [pid, Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)]));
  const ours = new Set(all.filter((pid) => isOurs(pid, read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))));
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) if (!ours.has(pid) && ours.has(parent)) grown = Boolean(ours.add(pid));
  }
  return [...ours];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function memory(pids: readonly number[]): { rss: number; pss: number } {
  const sum = (name: string): number =>
    pids.reduce(
      (total, pid) => total + Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0),
      0,
    ) / 1024;
  return { rss: sum('Rss'), pss: sum('Pss') };
}

export async function measure(command: string, isOurs: (pid: number, args: string) => boolean): Promise<Reading> {
  execFileSync('sync');
  const peak = { rss: 0, pss: 0 };
  const [cpu, own, wall] = [machineCpuSeconds(), process.cpuUsage(), performance.now()];
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  const timer = setInterval(() => {
    const now = memory(family(isOurs));
    peak.rss = Math.max(peak.rss, now.rss);
    peak.pss = Math.max(peak.pss, now.pss);
  }, sampleMs);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (exitCode !== 0) throw new Error(`${command}: exit code ${exitCode}\n${errors}`);
  const measuring = process.cpuUsage(own);
  return {
    wallSeconds: (performance.now() - wall) / 1000,
    cpuSeconds: machineCpuSeconds() - cpu - (measuring.user + measuring.system) / 1e6,
    rssMebibytes: peak.rss,
    pssMebibytes: peak.pss,
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Davit and its peer in turn, so that a drift of the machine's speed hits both; prints each figure and the ratio of the medians, red when a goal is missed. */
export async function compare(
  title: string,
  rounds: number,
  davit: () => Promise<Reading>,
  peer: () => Promise<Reading>,
  goals: Partial<Record<keyof Reading, number>>,
): Promise<void> {
  const readings: { davit: Reading; peer: Reading }[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const pair = { davit: await davit(), peer: await peer() };
    if (round >= 0) readings.push(pair);
  }
  process.stdout.write(`\n${title}, median of ${rounds}\n`);
  for (const figure of ['wallSeconds', 'cpuSeconds', 'rssMebibytes', 'pssMebibytes'] as const) {
    const [ours, theirs] = [median(readings.map((pair) => pair.davit[figure])), median(readings.map((pair) => pair.peer[figure]))];
    const ratio = median(readings.map((pair) => pair.davit[figure] / pair.peer[figure]));
    const goal = goals[figure];
    verdict(
      `  ${figure.padEnd(14)} davit ${ours.toFixed(1).padStart(8)}   peer ${theirs.toFixed(1).padStart(8)}   ratio ${ratio.toFixed(2)}`,
      goal === undefined ? undefined : ratio <= goal,
      goal === undefined ? '' : `goal ≤ ${goal}`,
    );
  }
}

export function verdict(text: string, held: boolean | undefined, goal: string): void {
  const colour = held === undefined ? '' : held ? '\u001B[32m' : '\u001B[31m';
  process.stdout.write(`${colour}${text}   ${goal}${held === false ? '  NOT REACHED' : ''}${colour === '' ? '' : '\u001B[0m'}\n`);
}
