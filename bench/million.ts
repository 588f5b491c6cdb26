import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built, compileCache, davit, findRestic, password } from './built.ts';
import { verdict } from './measure.ts';
import { costOf } from './process.ts';

/** Memory is bounded however many files there are: a million of them, half of them empty, as a first snapshot and once more unchanged. */

const files = Number(process.env['FILES'] ?? 1_000_000);
const perFolder = Number(process.env['PER_FOLDER'] ?? 1000);
const goalMebibytes = 300;

const restic = findRestic();
const work = mkdtempSync(join(process.env['WORK'] ?? tmpdir(), 'davit-million-'));
const [tree, repository] = [join(work, 'tree'), join(work, 'repository')];
const environment = { ...compileCache, RESTIC_PASSWORD: password, RESTIC_CACHE_DIR: join(built, 'cache') };
try {
  execFileSync('perl', [
    '-e',
    `mkdir "${tree}"; for my $d (1..${Math.ceil(files / perFolder)}) { my $p = "${tree}/$d"; mkdir $p; for my $f (1..${perFolder}) { open my $o, ">", "$p/file-$f"; print $o "$f in $d\\n" if $f % 2; close $o } }`,
  ]);
  // What has just been written is told from what may change unseen by its age.
  execFileSync('sleep', ['1']);
  for (const phase of ['cold', 'unchanged']) {
    const { wall, cpu, memory } = await costOf(`${davit} backup ${repository} ${tree}`, environment);
    verdict(
      `${files} files, ${phase.padEnd(9)} wall ${wall.toFixed(1)} s, ${cpu.toFixed(1)} CPU seconds, all processes together ${memory.toFixed(0)} MiB`,
      memory <= goalMebibytes,
      `goal ≤ ${goalMebibytes} MiB`,
    );
  }
  const check = execFileSync(restic, ['-r', repository, 'check', '--read-data'], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  verdict(`restic check --read-data: ${check.trim().split('\n').at(-1)}`, check.includes('no errors were found'), '');
} finally {
  rmSync(work, { recursive: true, force: true });
}
