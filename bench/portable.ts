import { execFileSync } from 'node:child_process';
import { docker, image, isDavit, type Lab, project, startLab } from './lab.ts';
import { compare, measure, median, verdict } from './measure.ts';

/** Davit against the pipelines that people write by hand, on this machine, in turn. */

const rounds = Number(process.env['ROUNDS'] ?? 3);
/** Of the dump in GiB; the big files are twice as much. What a run costs whatever its size is shown apart. */
const gibibytes = Number(process.env['GIBIBYTES'] ?? 2);
const goals = { wallSeconds: 1.0, cpuSeconds: 1.1 };

/** Compresses like a dump: numbers, words, dates. */
const dump = `awk 'BEGIN { srand(7); print "CREATE TABLE \`t\` ("; print "INSERT INTO \`t\` VALUES";
  for (i = 0; n < ${gibibytes} * 1024 * 1024 * 1024; i++) { line = "(" i ",\\047user" int(rand() * 1e6) "@example.org\\047,\\047" substr("the quick brown fox jumps over a lazy dog in november", 1 + int(rand() * 30), 20) "\\047," rand() ",\\0472026-11-" int(rand() * 28) "\\047),"; n += length(line) + 1; print line }
  print "-- Dump completed on 2026-11-21" }'`;
const bigFiles = `rm -rf /data/* && mkdir /data/big && for i in $(seq ${gibibytes * 4}); do head -c 536870912 /dev/urandom > /data/big/$i; done`;
const smallFiles = `rm -rf /data/* && perl -e 'for my $d (1..500) { mkdir "/data/$d"; for my $f (1..100) { open my $o, ">", "/data/$d/$f"; print $o "line $_ of $f in $d\\n" x 20 for 1..20; close $o } }'`;

const aws = (lab: Lab): string =>
  `AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench-secret AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url ${lab.endpoint} s3 cp --only-show-errors - s3://bench/peer/object`;
const isPeer = (_: number, args: string): boolean =>
  /^(docker exec .*mariadb-dump|zstd -q -3 -T0|tar .*--sparse|\S*python3? \S*aws|\S*aws )/.test(args);

async function readings(lab: Lab): Promise<void> {
  const empty = await measure(lab.backup('files'), isDavit);
  verdict(`one run with nothing to store: ${empty.wallSeconds.toFixed(1)} s, ${empty.cpuSeconds.toFixed(1)} CPU seconds`, undefined, '');
  lab.compose('exec', '-T', 'db', 'sh', '-c', `${dump} > /dump/dump.sql`);
  await compare(
    `dump of ${gibibytes} GiB against docker exec | zstd | aws s3 cp`,
    rounds,
    () => measure(lab.backup('dump'), isDavit),
    () => measure(`docker exec ${project}-db-1 mariadb-dump | zstd -q -3 -T0 | ${aws(lab)}`, isPeer),
    goals,
  );
  for (const [title, make] of [
    [`${gibibytes * 2} GiB in incompressible files`, bigFiles],
    ['50,000 small files', smallFiles],
  ] as const) {
    lab.compose('exec', '-T', 'app', 'sh', '-c', make);
    await compare(
      `volume of ${title} against tar | zstd | aws s3 cp`,
      rounds,
      () => measure(lab.backup('files'), isDavit),
      () =>
        measure(
          `tar --create --sparse --xattrs --acls --numeric-owner --format=posix -C ${lab.volume} . | zstd -q -3 -T0 | ${aws(lab)}`,
          isPeer,
        ),
      goals,
    );
    await readSpeed(title, title.includes('small') ? 2 : 4);
  }
}

/** The worker's way of reading a volume against the archive API's, nothing else in the way. */
async function readSpeed(title: string, goal: number): Promise<void> {
  const worker = `docker run --rm --network none -v ${project}_data:/tree:ro --entrypoint sh ${image} -c 'tar --create --xattrs --acls --numeric-owner --sparse --format=posix --blocking-factor=256 --directory=/tree . | cat >/dev/null'`;
  const archive = `curl -sf --unix-socket /var/run/docker.sock 'http://docker/v1.41/containers/${project}-app-1/archive?path=/data' -o /dev/null`;
  const none = `docker run --rm --network none -v ${project}_data:/tree:ro --entrypoint sh ${image} -c true`;
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = (await measure(none, isDavit)).wallSeconds;
    const ours = Math.max((await measure(worker, isDavit)).wallSeconds - start, 0.01);
    ratios.push((await measure(archive, isDavit)).wallSeconds / ours);
  }
  verdict(
    `  reading ${title} in a worker, without its start, is ${median(ratios).toFixed(1)} times as fast as the archive API`,
    median(ratios) >= goal,
    `goal ≥ ${goal}`,
  );
}

execFileSync('sh', ['-c', 'command -v aws zstd curl >/dev/null']);
using lab = await startLab();
process.stdout.write(
  `engine ${docker('version', '-f', '{{.Server.Version}}')}, ${execFileSync('nproc', { encoding: 'utf8' }).trim()} cores, encryption off on both sides\n`,
);
await readings(lab);
