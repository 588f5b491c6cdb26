import { expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app, postgres, sqlIn } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';

/** As vendors write them: archives by weekday, which is never swept; a restore that wants its archive at one place. It keeps its records in /data. */
const vendorBackup = `
set -e; cd '/data/its backup'
[ -e ../broken ] && { echo 'cannot reach the server' >&2; exit 4; }
[ -e ../asleep ] && exit 0
[ -e ../full ] && { : > "backup_$(date +%a).tar.gz"; exit 0; }
cat ../records | gzip > "backup_$(date +%a).tar.gz"
echo "backup done"`;
const vendorRestore = `
cd '/data/its backup'
[ "$(wc -c < restore.tar.gz)" -ge 20 ] || exit 1
gunzip -c restore.tar.gz > ../records; echo "restored $(wc -l < ../records) records"`;

const vendor = (labels: readonly string[]) => ({
  image: 'davit-test/app',
  volumes: ['vendor:/data'],
  configs: [
    { source: 'backup', target: '/usr/local/bin/backup', mode: 0o755 },
    { source: 'restore', target: '/usr/local/bin/restore', mode: 0o755 },
  ],
  labels: [
    'davit.files=none',
    `davit.command.records=mkdir -p '/data/its backup' && sh /usr/local/bin/backup`,
    'davit.command.records.collect=/data/its backup/backup_???.tar.gz',
    ...labels,
  ],
});
const top = {
  configs: { backup: { content: vendorBackup.replaceAll('$', '$$$$') }, restore: { content: vendorRestore.replaceAll('$', '$$$$') } },
};
const records = async (stack: TestStack): Promise<string> => stack.sh('vendor', 'cat /data/records');
const failed = ({ status, artifacts, failures }: Manifest) => ({
  status,
  artifacts: artifacts.map(({ service, name }) => `${service}/${name}`),
  failures: failures.map(({ service, source, error }) => `${service}/${source}: ${error}`),
});

test('what a command prints and what it writes are stored, and go back by stdin and by a file, also into a stack that never ran', async () => {
  await using stack = await createStack({
    services: {
      vendor: vendor([
        'davit.command.records.restore.put=/data/its backup/restore.tar.gz',
        'davit.command.records.restore=sh /usr/local/bin/restore',
      ]),
      talker: app('talker', {
        labels: [
          'davit.files=none',
          'davit.command.notes=cat /data/notes | sort',
          'davit.command.notes.restore=cat > /data/notes; id -un > /data/who',
          'davit.command.notes.user=daemon',
          'davit.command.inventory=ls /data',
        ],
      }),
      forge: app('forge', {
        labels: ['davit.command.state=cat /data/state', 'davit.command.state.restore=cat /data/state - >> /data/log'],
      }),
      web: { image: 'davit-test/app', depends_on: ['vendor'] },
    },
    volumes: ['vendor', 'talker', 'forge'],
    top,
  });
  await stack.up();
  await stack.sh('vendor', 'seq 1000 > /data/records; mkdir "/data/its backup"; touch -d "-7 days" "/data/its backup/backup_old.tar.gz"');
  await stack.sh('talker', 'chmod 777 /data; printf "b\\na\\n" > /data/notes; chmod 666 /data/notes');

  await stack.sh('forge', 'echo state > /data/state');
  const plan = await stack.davit('plan');
  expect(plan).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("$ mkdir -p '/data/its backup' && sh /usr/local/bin/backup") });
  const manifest = await stack.backup();
  expect(failed(manifest)).toEqual({
    status: 'complete',
    artifacts: ['forge/files/data', 'forge/state', 'talker/inventory', 'talker/notes', 'vendor/records'],
    failures: [],
  });
  expect(manifest.artifacts.map(({ kind, engine, extension }) => `${kind} ${engine} ${extension}`)).toEqual([
    'files files tar',
    'command command out',
    'command command out',
    'command command out',
    'command command tar.gz',
  ]);
  expect((await stack.davit('cat', 'latest', 'talker/notes')).stdout).toBe('a\nb');
  expect((await stack.davit('verify')).exitCode).toBe(0);
  expect((await stack.davit('show', 'latest')).stdout).toMatch(/vendor\/records +command/);
  expect((await stack.davit('restore', 'latest', '--to', '/tmp/out')).exitCode).toBe(0);
  expect(await stack.sh('davit', 'cd /tmp/out; cat talker/notes.out; zcat vendor/records.tar.gz | tail -1')).toBe('a\nb\n1000');

  await stack.sh('vendor', 'echo spoiled > /data/records');
  await stack.sh('talker', 'echo spoiled > /data/notes');
  await stack.sh('forge', 'rm /data/state; echo spoiled | tee /data/state /data/log');
  const restored = await stack.restore('latest');
  expect(restored.stderr).toMatch(/talker\/inventory.*left alone/);
  expect(restored.stdout).toMatch(
    /^restored from \S+: forge\/files\/data, forge\/state, talker\/notes, vendor\/records\nwhat was there before is snapshot/,
  );
  expect(await records(stack)).toMatch(/^1\n2\n[^]*\n1000$/);
  expect(await stack.sh('talker', 'cat /data/notes /data/who')).toBe('a\nb\ndaemon');
  // The files first, then the command in the service that runs again.
  expect(await stack.sh('forge', 'cat /data/log')).toBe('state\nstate');
  const safety = /is snapshot (\S+)/.exec(restored.stdout)?.[1] ?? '';
  expect((await stack.davit('cat', safety, 'talker/notes')).stdout).toBe('spoiled');

  await stack.wipe(['vendor', 'talker', 'web'], ['vendor', 'talker']);
  await stack.compose('create', 'vendor', 'talker', 'web');
  await stack.restore('latest', '--only', 'vendor/records', '--no-safety');
  expect(await records(stack)).toMatch(/\n1000$/);
  expect((await stack.compose('ps', '--services', '--status', 'running')).stdout.split('\n').toSorted()).toEqual([
    'davit',
    'forge',
    'vendor',
    'web',
  ]);
});

test('a command can stand for the engine of a server, also when its first start is the restore', async () => {
  await using stack = await createStack({
    services: {
      db: postgres('db', {
        labels: [
          'davit.dump=none',
          'davit.command.all=pg_dumpall -U postgres --clean --if-exists',
          'davit.command.all.restore=psql -U postgres -d template1 -q',
        ],
      }),
      web: { image: 'davit-test/app', depends_on: { db: { condition: 'service_healthy' } } },
    },
    volumes: ['db'],
  });
  await stack.up();
  await stack.sh('db', sqlIn.postgres('CREATE TABLE t AS SELECT generate_series(1, 1000) AS id'));
  expect(failed(await stack.backup())).toEqual({ status: 'complete', artifacts: ['db/all'], failures: [] });
  await stack.wipe(['db', 'web'], ['db']);
  await stack.compose('create', 'db', 'web');
  await stack.restore('latest');
  expect(await stack.sh('db', sqlIn.postgres('SELECT count(*) FROM t'))).toBe('1000');
  expect((await stack.compose('ps', '--services', '--status', 'running')).stdout.split('\n').toSorted()).toEqual(['davit', 'db', 'web']);
});

test('a command that fails, writes nothing new, or writes nothing at all is red, and takes nothing else with it', async () => {
  await using stack = await createStack({
    services: {
      vendor: vendor([]),
      talker: app('talker', { labels: ['davit.files=none', 'davit.command.notes=cat /data/notes', 'davit.command.silent=true'] }),
    },
    volumes: ['vendor', 'talker'],
    top,
  });
  await stack.up();
  await stack.sh('vendor', 'seq 1000 > /data/records');
  await stack.sh('talker', 'echo note > /data/notes');
  const silent = expect.stringMatching(/^talker\/silent: .*gave no output/);
  const red = (failure: RegExp) => ({
    status: 'incomplete',
    artifacts: ['talker/notes'],
    failures: expect.arrayContaining([silent, expect.stringMatching(failure)]),
  });

  const first = await stack.backup(3);
  expect(failed(first)).toEqual({ status: 'incomplete', artifacts: ['talker/notes', 'vendor/records'], failures: [silent] });
  await stack.sh('vendor', 'touch /data/asleep');
  expect(failed(await stack.backup(3))).toEqual(
    red(/^vendor\/records: .*davit\.command\.records exited with 1: .*no new file.*backup_\w{3}\.tar\.gz is older/s),
  );
  await stack.sh('vendor', 'rm /data/asleep; touch /data/full');
  expect(failed(await stack.backup(3))).toEqual(red(/^vendor\/records: .*it wrote an empty file: .*its backup\/backup_/s));
  await stack.sh('vendor', 'touch /data/broken');
  expect(failed(await stack.backup(3))).toEqual(red(/^vendor\/records: .*davit\.command\.records exited with 4: cannot reach the server/s));
});

test('a restore that a command refuses is red and the app comes back', async () => {
  await using stack = await createStack({
    services: {
      talker: app('talker', {
        labels: [
          'davit.files=none',
          'davit.command.notes=cat /data/notes',
          'davit.command.notes.restore=cat > /data/got; echo no room >&2; exit 9',
        ],
      }),
      web: { image: 'davit-test/app', depends_on: ['talker'] },
    },
    volumes: ['talker'],
  });
  await stack.up();
  await stack.sh('talker', 'echo note > /data/notes');
  await stack.backup();
  const refused = await stack.davit('restore', 'latest', '--yes');
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/davit\.command\.notes\.restore exited with 9: no room/) });
  expect((await stack.compose('ps', '--services', '--status', 'running')).stdout.split('\n').toSorted()).toEqual([
    'davit',
    'talker',
    'web',
  ]);
  expect(await stack.leftovers()).toEqual([]);
});
