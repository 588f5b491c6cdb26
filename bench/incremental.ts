import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built, compileCache, davit, findRestic, password } from './built.ts';
import { median, verdict } from './measure.ts';
import { type Cost, costOf } from './process.ts';
import { bytesBelow, type Place, places } from './places.ts';

/** Davit's writer of restic's format against real restic, on the same trees and the same new repository, in turn. Goals hold against restic without its extra verification. */

const rounds = Number(process.env['ROUNDS'] ?? 3);
const scale = Number(process.env['SCALE'] ?? 1);
const restic = findRestic();

/** All repositories cut alike. */
const template = join(built, 'template');
execFileSync(restic, ['-q', '-r', template, 'init'], { env: { ...process.env, RESTIC_PASSWORD: password } });

interface Side {
  readonly name: string;
  /** One round is enough to see where it stands. */
  readonly once?: boolean;
  prepare?(): void;
  backup(tree: string): string;
  restore(target: string): string;
  readonly environment: Readonly<Record<string, string>>;
  bytes(): Promise<number>;
}

const trees = {
  [`${Math.round(512 * scale)} MiB in 2 incompressible files`]: {
    make: `for i in 1 2; do head -c ${Math.round(268_435_456 * scale)} /dev/urandom > $i; done`,
    change: `head -c ${Math.round(5_000_000 * scale)} /dev/urandom | dd of=1 bs=1M seek=${Math.round(100 * scale)} conv=notrunc status=none`,
  },
  [`${Math.round(50_000 * scale)} small files`]: {
    make: `perl -e 'for my $d (1..500) { mkdir $d; for my $f (1..${Math.round(100 * scale)}) { open my $o, ">", "$d/$f"; print $o "line $_ of $f in $d\\n" x (1 + ($d * $f) % 40) for 1..20; close $o } }'`,
    change: `for d in 1 2 3 4 5; do for f in $d/*; do echo changed >> $f; done; done`,
  },
};

function sides(place: Place, work: string): Side[] {
  const common = { ...place.environment, RESTIC_PASSWORD: password, ...compileCache };
  const inRestic = (name: string, flags: string): Side => {
    const at = place.open(name);
    const cache = join(work, `cache-${name}`);
    return {
      name: `restic ${flags}`.trim(),
      environment: { ...common, RESTIC_CACHE_DIR: cache },
      backup: (tree) => `cd ${tree} && ${restic} -q -r ${at.restic} backup . --host bench ${flags}`,
      restore: (target) => `${restic} -q -r ${at.restic} restore latest --target ${target}`,
      prepare: () => initialise(at.restic, common),
      bytes: at.bytes,
    };
  };
  const inDavit = (name: string, prove: string): Side => {
    const at = place.open(name.replace(' ', '-'));
    return {
      name,
      environment: { ...common, PROVE: prove },
      backup: (tree) => `${davit} backup ${at.davit} ${tree}`,
      restore: (target) => `${davit} restore ${at.davit} ${target}`,
      prepare: () => initialise(at.restic, common),
      bytes: at.bytes,
    };
  };
  const all: Side[] = [inDavit('davit lean', 'off'), inDavit('davit', 'on'), inRestic('lean', '--no-extra-verify'), inRestic('plain', '')];
  if (place.name !== 'directory') return all;
  const [tar, borg] = [join(work, 'tar'), join(work, 'borg')];
  const bytesOf = (path: string) => () => bytesBelow(path);
  all.push({
    name: 'tar | zstd',
    once: true,
    environment: common,
    prepare: () => void execFileSync('mkdir', ['-p', tar]),
    backup: (tree) => `tar -C ${tree} --xattrs --acls --sparse -c . | zstd -q -3 -T0 > ${tar}/$(date +%s%N)`,
    restore: (target) => `mkdir -p ${target} && zstd -q -d -c $(ls ${tar}/* | tail -1) | tar -C ${target} -x`,
    bytes: bytesOf(tar),
  });
  if (hasBorg)
    all.push({
      name: 'borg',
      once: true,
      environment: { ...common, BORG_PASSPHRASE: password, BORG_BASE_DIR: join(work, 'borg-base') },
      prepare: () =>
        void execFileSync('borg', ['init', '-e', 'repokey-blake2', borg], {
          env: { ...process.env, BORG_PASSPHRASE: password, BORG_BASE_DIR: join(work, 'borg-base') },
        }),
      backup: (tree) => `cd ${tree} && borg create --compression zstd,3 ${borg}::{now:%s%f} .`,
      restore: (target) => `mkdir -p ${target} && cd ${target} && borg extract ${borg}::$(borg list --short --last 1 ${borg})`,
      bytes: bytesOf(borg),
    });
  return all;
}

/** The Debian package borgbackup. */
const hasBorg = execFileSync('sh', ['-c', 'command -v borg || true'], { encoding: 'utf8' }) !== '';

function initialise(repository: string, environment: Readonly<Record<string, string>>): void {
  const from = ['--from-repo', template, '--copy-chunker-params'];
  execFileSync(restic, ['-q', '-r', repository, 'init', ...from], {
    env: { ...process.env, ...environment, RESTIC_FROM_PASSWORD: password },
  });
}

type Phase = 'cold' | 'unchanged' | '1 % changed' | 'restore';
type Readings = Map<string, Map<Phase, (Cost & { bytes: number })[]>>;

/** The peer that the goals are about: like Davit without its own proof, it does not open again what it has sealed. */
const lean = 'restic --no-extra-verify';

const goals: Record<Phase, Partial<Record<'wall' | 'cpu' | 'memory' | 'bytes', number>>> = {
  cold: { wall: 0.8, cpu: 0.8, memory: 1.5, bytes: 1.02 },
  unchanged: { wall: 0.6, cpu: 0.8, memory: 1.5 },
  '1 % changed': { wall: 0.8, cpu: 0.8, memory: 1.5, bytes: 1.02 },
  restore: { wall: 0.9, memory: 1.5 },
};

/**
 * What the side before has written goes to the disk before the next one begins, and the kernel has memory at hand: on a virtual machine, whoever comes first would
 * pay for what the host gives only when it is touched.
 */
function settle(work: string): void {
  execFileSync('sh', ['-c', `sync; head -c 1G /dev/zero > ${work}/memory; rm ${work}/memory`]);
}

/** What was made is removed at the very end: for minutes, ext4 looks twice at each inode that was given back before it makes a new file of it. */
const made: string[] = [];
process.on('exit', () => made.forEach((path) => rmSync(path, { recursive: true, force: true })));

async function round(place: Place, { make, change }: { make: string; change: string }, readings: Readings, count: number): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'davit-incremental-'));
  made.push(work);
  const tree = join(work, 'tree');
  const sh = (script: string): unknown => execFileSync('bash', ['-ec', `mkdir -p ${tree}; cd ${tree}; ${script}`]);
  try {
    sh(make);
    const all = sides(place, work).filter(({ once }) => once !== true || count === 0);
    // Each side is first in its turn.
    const [first, rest] = [all.slice(0, count % all.length), all.slice(count % all.length)];
    for (const side of all) side.prepare?.();
    // What has just been written is told from what may change unseen by its age.
    execFileSync('sleep', ['1']);
    for (const phase of ['cold', 'unchanged', '1 % changed', 'restore'] as const) {
      if (phase === '1 % changed') sh(change);
      for (const side of [...rest, ...first]) {
        const before = await side.bytes();
        const command =
          phase === 'restore' ? side.restore(join(work, `restored by ${side.name}`.replaceAll(/\W/g, '-'))) : side.backup(tree);
        settle(work);
        const cost = await costOf(command, side.environment);
        const of = readings.get(side.name) ?? new Map<Phase, (Cost & { bytes: number })[]>();
        readings.set(side.name, of.set(phase, [...(of.get(phase) ?? []), { ...cost, bytes: (await side.bytes()) - before }]));
      }
    }
  } finally {
    place.clear();
  }
}

function print(title: string, readings: Readings): void {
  process.stdout.write(`\n${title}, median of ${rounds}\n`);
  for (const phase of ['cold', 'unchanged', '1 % changed', 'restore'] as const)
    for (const [peer, of] of readings) {
      if (peer.startsWith('davit')) continue;
      const own = readings.get(peer === lean ? 'davit lean' : 'davit');
      for (const figure of ['wall', 'cpu', 'memory', 'bytes'] as const) {
        if (figure === 'bytes' && phase === 'restore') continue;
        const [ours, theirs] = [own?.get(phase) ?? [], of.get(phase) ?? []];
        const ratio = median(theirs.map((reading, n) => (ours[n]?.[figure] ?? Number.NaN) / reading[figure]));
        const shown = (values: readonly Cost[]): string =>
          median(values.map((one) => (one as Cost & { bytes: number })[figure])).toFixed(figure === 'wall' || figure === 'cpu' ? 2 : 0);
        const goal = peer === lean ? goals[phase][figure] : undefined;
        verdict(
          `  ${phase.padEnd(11)} ${figure.padEnd(6)} davit ${shown(ours).padStart(10)}   ${peer} ${shown(theirs).padStart(10)}   ratio ${ratio.toFixed(2)}`,
          goal === undefined ? undefined : ratio <= goal,
          goal === undefined ? '' : `goal ≤ ${goal}`,
        );
      }
    }
}

process.stdout.write(`${execFileSync(restic, ['version'], { encoding: 'utf8' }).trim()}; wall and CPU in seconds, memory in MiB\n`);
if (!hasBorg) process.stdout.write('borg is unavailable: install borgbackup to compare with it\n');
for (const open of places) {
  if (process.env['PLACE'] !== undefined && process.env['PLACE'] !== open.name) continue;
  await using place = await open.start();
  for (const [title, tree] of Object.entries(trees)) {
    const readings: Readings = new Map();
    for (let count = 0; count < rounds; count++) await round(place, tree, readings, count);
    print(`${title}, ${place.name}`, readings);
  }
}
