import { execa } from 'execa';
import { expect } from 'vitest';
import type { Manifest } from '../../../src/model/snapshot.ts';
import { createApp, deeds, expectStandstill, openApp, serves } from '../../support/app-stack.ts';
import { isBuilt, until } from '../../support/docker.ts';
import type { TestStack } from '../../support/stack.ts';
import { replaceTool } from '../failures/faults.ts';
import { labTest } from '../failures/lab-test.ts';
import { problemsOf } from '../failures/look.ts';
import { breaks } from './mutations.ts';

/** compose-examples/cytomine, with users that annotate all the time: each tick is written into both databases. */
const services = (folder: string) => ({
  mongo: { volumes: [`${folder}/mongo:/data/db`] },
  postgis: { volumes: [`${folder}/postgis:/var/lib/postgresql/data`] },
  pims: { volumes: [`${folder}/images:/data/images`] },
  'app-engine': { volumes: [`${folder}/app-engine:/data`] },
  registry: { volumes: [`${folder}/registry:/data`, '/var/lib/registry'] },
});
const cytomine = ['--set', 'cytomine'];
let environment: Readonly<Record<string, string>> = {};

const test = labTest(() => ({
  s3: 'davit-test/s3-fast',
  set: 'cytomine',
  async open(place) {
    const made = await fetch(`${place['AWS_ENDPOINT_URL_S3']}/images`, { method: 'PUT' });
    expect(made.status).toBe(200);
    return openApp('cytomine', { services, environment: (environment = { ...place, DAVIT_STORAGE_IMAGES: 's3://images' }) });
  },
  async seed(stack) {
    await until('the identities are there', async () => (await deeds(stack, 'iam')).some(({ did }) => did === 'open'), 60_000);
    await serves(stack, 'core', 50);
    await stack.sh('pims', 'cd /data/images && mkdir u1 && head -c 50000 /dev/urandom > u1/scan.tif && ln -s scan.tif u1/original');
    await sql(stack, 'docker', "INSERT INTO abstract_image VALUES (1, 'u1/scan.tif'), (2, 'u1/original')");
    await sql(stack, 'appengine', "CREATE TABLE task AS SELECT 1 AS id, 'Zähler 🔬' AS name");
    await stack.sh('registry', 'echo image > /var/lib/registry/blob');
    await stack.sh('app-engine', 'echo run > /data/run');
    await stack.sh(
      'mongo',
      'mkdir -p /data/db/backup/tmp/backups/cytomine && echo broken > /data/db/backup/tmp/backups/cytomine/left.bson',
    );
  },
}));

const isHere = await isBuilt('cytomine-mongod');
test.beforeEach(({ skip }) => skip(!isHere, 'no image davit-test/cytomine-mongod'));

async function sql(stack: TestStack, database: string, statement: string): Promise<string> {
  return stack.sh('postgis', `psql -qtA -v ON_ERROR_STOP=1 -U docker -d ${database}`, statement);
}

async function backup(stack: TestStack, set: string): Promise<Manifest> {
  const [outcome] = await stack.json<{ manifest: Manifest }[]>(['backup', '--set', set]);
  if (outcome === undefined) throw new Error(`nothing of ${set} was backed up`);
  return outcome.manifest;
}

const named = ({ artifacts }: Manifest) => artifacts.map(({ service, name }) => `${service}/${name}`);

test('a backup holds both databases of a moment without users, and the settings', async ({ lab: { stack, good } }) => {
  const manifest = good();
  expect(await stack.sh('davit', `davit cat ${manifest.id} mongo/dump | tar -tz | sort`)).toBe(
    './\n./admin/\n./admin/system.users.bson\n./admin/system.users.metadata.json\n' +
      './cytomine/\n./cytomine/annotationAction.bson\n./cytomine/annotationAction.metadata.json',
  );
  expect(named(manifest)).toEqual([
    'app-engine/files/data',
    'davit/files/stack',
    'mongo/dump',
    'postgis/dump',
    'registry/files/data',
    'registry/files/var/lib/registry',
  ]);
  await serves(stack, 'core');
  await expectStandstill(stack, 'core', manifest);
  expect(Object.keys(manifest.downtimeMs).toSorted()).toEqual(['app-engine', 'core', 'iam']);
  await stack.restore(manifest.id, '--service', 'davit', '--to', '/tmp/out');
  const kept = await stack.sh('davit', 'cd /tmp/out/davit/files/stack && ls -A && cmp cytomine.yml /stack/cytomine.yml && rm -r /tmp/out');
  expect(kept.split('\n')).toEqual(['.env', 'compose.yaml', 'cytomine.yml']);
});

test('images go only when no snapshot of the databases needs them', async ({ lab: { stack, good, succeeds } }) => {
  const taken: string[] = [];
  for (let count = 0; count < 3; count += 1) taken.push((await backup(stack, 'images')).id);
  const [needed = '', , newest = ''] = taken;
  const verdicts = async () => {
    const all = await stack.json<{ id: string; keep: boolean; reasons: string[] }[]>(['prune', '--dry-run']);
    return Object.fromEntries(all.flatMap(({ id, keep, reasons }) => (taken.includes(id) ? [[id, keep ? reasons : 'goes']] : [])));
  };
  const { id } = good();
  expect(await verdicts()).toEqual({ [needed]: [`needed by set cytomine: ${id}`], [newest]: expect.arrayContaining(['last']) });
  expect((await stack.davit('show', id)).stdout).toContain(`of set images, ${needed} `);

  await succeeds();
  await stack.davit('prune');
  expect(Object.keys(await verdicts())).toEqual([newest]);
});

test('one of two databases alone is not restored', async ({ lab: { stack, good } }) => {
  const refused = await stack.davit('restore', good().id, '--service', 'mongo', '--yes');
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('the set would be broken') });
});

test('an archive that was there before is refused, though the script that should have written it is content', async ({ lab }) => {
  const tools = await Promise.all(['postgis', 'mongo'].map((service) => replaceTool(lab, service, 'tar', 'exit 0')));
  const run = await lab.backup();
  const refused = expect.stringMatching(/it wrote no new file.*cytomine_\w+_backup_\w{3}\.tar\.gz is older than its start/s);
  expect(problemsOf(run)).toEqual([refused, refused]);
  const repair = () => Promise.all(tools.map((tool) => tool.remove()));
  await lab.fails(run, { exitCode: 3, says: ['postgis/dump', 'davit.command.dump exited with 1'], repair });
});

const backups = '/var/lib/postgresql/data/backup';
breaks(test, {
  service: 'core',
  database: {
    service: 'postgis',
    name: 'dump',
    hold: (lab) => replaceTool(lab, 'postgis', 'pg_dumpall', 'hold; exec "$real" "$@"'),
  },
  hook: {
    in: 'postgis',
    breaks: `mv ${backups} ${backups}.aside && touch ${backups}`,
    mends: `rm ${backups} && mv ${backups}.aside ${backups}`,
    says: ['service "postgis"', 'davit.hook.before ended with exit code 1'],
  },
});

const otherPasswords = {
  POSTGRES_PASS: 'another-1',
  POSTGRES_IAM_PASS: 'another-2',
  POSTGRES_APPENGINE_PASS: 'another-3',
  MONGODB_PASS: 'another-4',
};

test('a restore into an empty stack of another name with other passwords gives both databases back as one', async ({ lab }) => {
  const { project } = lab.stack;
  const sums = (stack: TestStack) => stack.sh('pims', 'cd /data/images && find . -printf "%P %y %m %T@ %l\\n" | sort; md5sum */*');
  const known = await sums(lab.stack);
  await lab.stack.compose('down', '--volumes', '--timeout', '3');
  await using stack = await createApp('cytomine', { services, environment, variables: otherPasswords });
  await stack.restore('latest', '--set', 'images', '--from-stack', project);
  await stack.restore('latest', ...cytomine, '--from-stack', project);
  await isTheSame();
  expect((await backup(stack, 'cytomine')).status).toBe('complete');
  await serves(stack, 'core');
  await isNeverHalf(stack);

  async function isTheSame(): Promise<void> {
    await serves(stack, 'core');
    const done = await deeds(stack, 'core');
    expect(done.filter(({ did }) => did === 'install')).toEqual([]);
    const many = expect.toSatisfy((count: number) => count > 20);
    expect(done.findLast(({ did }) => did === 'check')).toMatchObject({ wrong: [], rows: many, actions: many });
    await until('the identities are there', async () => (await deeds(stack, 'iam')).at(-1)?.did === 'open', 30_000);
    expect((await deeds(stack, 'iam')).at(-1)).toMatchObject({ new: false });
    expect(await sql(stack, 'iam', 'SELECT name FROM realm')).toBe('cytomine 🔬');
    expect(await sql(stack, 'appengine', 'SELECT name FROM task')).toBe('Zähler 🔬');
    expect(await sql(stack, 'docker', "SELECT count(*) > 20 FROM user_annotation WHERE path <@ 'Top.Zelle'")).toBe('t');
    expect(await sql(stack, 'docker', 'SELECT path FROM abstract_image ORDER BY id')).toBe('u1/scan.tif\nu1/original');
    expect(await sums(stack)).toBe(known);
    expect(await stack.sh('registry', 'cat /var/lib/registry/blob')).toBe('image');
    expect(await stack.sh('app-engine', 'cat /data/run')).toBe('run');
  }
});

/** Somebody is connected to the databases that the vendor's script does not drop, so `psql` cannot replace them, and the script ends with 0. */
async function isNeverHalf(stack: TestStack): Promise<void> {
  await sql(stack, 'iam', "UPDATE realm SET name = 'spoiled'");
  const held = await stack.container('postgis');
  const hold = () => execa('docker', ['exec', held, 'psql', '-U', 'docker', '-d', 'iam', '-c', 'SELECT pg_sleep(600)'], { reject: false });
  const isHeld = async () => (await sql(stack, 'iam', "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")) === '1';
  const session = hold();
  await until('somebody is connected', isHeld);
  const dropdb = await replaceTool({ stack }, 'postgis', 'dropdb', 'case "$*" in *iam) exit 0 ;; *) exec "$real" "$@" ;; esac');
  const half = await stack.davit('restore', 'latest', ...cytomine, '--no-safety', '--yes');
  expect(half).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not everything is there') });
  expect(await sql(stack, 'iam', 'SELECT name FROM realm')).toContain('spoiled');
  await dropdb.remove();

  expect(await isHeld()).toBe(true);
  await stack.restore('latest', ...cytomine, '--no-safety');
  await session;
  expect(await sql(stack, 'iam', 'SELECT name FROM realm')).toBe('cytomine 🔬');
  await serves(stack, 'core');
}
