import { describe, expect } from 'vitest';
import type { Manifest } from '../../../src/model/snapshot.ts';
import { until } from '../../support/docker.ts';
import type { Seen } from '../../support/faulty-s3.ts';
import type { Outcome, TestStack } from '../../support/stack.ts';
import { mariaTables, processOf, replaceTool, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import { layout } from './layout.ts';
import type { Lab } from './lab.ts';
import { parts } from './parts.ts';

/** The files lie in a small volume, which the keeper keeps in memory while the app is stopped. */
const test = labTest(() => ({
  s3: 'davit-test/s3-fast',
  services: {
    app: { ...parts.app, labels: [...parts.app.labels, 'davit.files.exclude=/data/cache/**'] },
    keeper: { image: 'davit-test/app', volumes: ['files:/data:ro'] },
    maria: parts.maria,
    postgres: parts.postgres,
  },
  top: {
    volumes: { files: { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=48m' } }, maria: {}, postgres: {}, backups: {} },
  },
  async seed(stack) {
    await stack.sh('app', 'mkdir /data/cache; head -c 20000000 /dev/urandom > /data/random; echo original > /data/state');
    await sql(stack, mariaTables);
    await psql(stack, 'CREATE TABLE t AS SELECT id, md5(id::text) FROM generate_series(1, 1000) AS id');
  },
}));

const psql = (stack: TestStack, statement: string) => stack.sh('postgres', `psql -U postgres -At shop -c "${statement}"`);

async function contents(stack: TestStack): Promise<string> {
  const counted = [await sql(stack, 'SELECT COUNT(*) FROM a'), await psql(stack, 'SELECT count(*) FROM t')];
  return [await stack.sh('app', 'cat /data/state'), ...counted].join(' ');
}
const original = 'original 5000 1000';
const changed = 'changed 10 10';

async function change(stack: TestStack): Promise<void> {
  await stack.sh('app', 'echo changed > /data/state');
  await sql(stack, 'DELETE FROM a WHERE id > 10');
  await psql(stack, 'DELETE FROM t WHERE id > 10');
}

const restore = ({ stack, good }: Lab, ...args: string[]): Promise<Outcome> => stack.davit('restore', good().id, '--yes', ...args);

/** Everything is as it was in the good snapshot, and the next run is good. */
async function succeeds(lab: Lab, run: Outcome): Promise<void> {
  expect(run.exitCode, run.stderr).toBe(0);
  expect(await contents(lab.stack)).toBe(original);
  await lab.runs();
  await lab.succeeds();
  expect((await lab.stack.davit('health')).exitCode).toBe(0);
}

/** The app is back, and the error names the snapshot of what was there before: resolves with its id. */
async function fails({ stack, good, runs }: Lab, { exitCode, stderr }: Outcome, says: readonly string[]): Promise<string> {
  expect(exitCode).toBe(1);
  const error = stderr.slice(stderr.lastIndexOf('davit: '));
  for (const words of says) expect(error).toContain(words);
  const [, safety = ''] = /half-way: `davit restore (\S+)` brings back what was there before/.exec(error) ?? [];
  const manifests = await stack.json<Manifest[]>(['list']);
  expect(manifests.find(({ id }) => id === safety)).toMatchObject({ status: 'complete', reason: 'safety' });
  expect((await stack.json<Manifest>(['show', 'latest'])).id).toBe(good().id);
  expect(await stack.leftovers()).toEqual([]);
  await runs();
  return safety;
}

/** Reading an artifact stops at the second time: the first is the proof that it can be read. */
async function stallFiles({ s3, storage }: Lab): Promise<AsyncDisposable & { reached(): Promise<void> }> {
  const reads = new Map<string, number>();
  const readsFiles = await layout.readsFiles(storage);
  const isSecond = (request: Seen): boolean => {
    if (!readsFiles(request)) return false;
    const { pathname } = request.url;
    reads.set(pathname, (reads.get(pathname) ?? 0) + 1);
    return (reads.get(pathname) ?? 0) > 1;
  };
  const struck = s3.inject({ stall: true }, isSecond, Infinity);
  return { reached: () => until('the files are being put back', () => struck() > 0, 60_000), [Symbol.asyncDispose]: async () => s3.heal() };
}

const isLoad = '*--binary-mode*--database=shop*';
const half = 'head -c 100000 | "$real" "$@"; cat >/dev/null';

describe('the restore is killed', () => {
  const killedHalfWay = 'an earlier restore was killed half-way';

  test('while files are put back: the next command brings the app back and says so', async ({ lab }) => {
    await change(lab.stack);
    {
      await using moment = await stallFiles(lab);
      const run = restore(lab, '--no-safety');
      await moment.reached();
      process.kill(await processOf(lab.stack, 'restore'), 'SIGKILL');
      expect((await run).exitCode).toBe(137);
    }
    // Not while the daemon brings the app back.
    await until('health tells it', async () => (await lab.stack.davit('health')).stderr.includes('is a mixture'), 60_000);
    const mixed = await lab.backup();
    // By this run, or by the daemon, whoever came first.
    const told = `${mixed.stderr}\n${(await lab.stack.compose('logs', 'davit')).stdout}`;
    expect(told.split('\n').find((line) => line.includes(killedHalfWay))).toContain('"services":["app"]');
    expect([mixed.exitCode, mixed.stdout]).toEqual([
      3,
      expect.stringContaining('a restore ended half-way, so what is there now is a mixture'),
    ]);
    expect((await lab.stack.json<Manifest>(['show', 'latest'])).id).toBe(lab.good().id);
    const next = await restore(lab, '--no-safety');
    await succeeds(lab, next);
  });

  test('with its container, while a database is loaded: the next start brings the app back and says so', async ({ lab }) => {
    await change(lab.stack);
    {
      const script = `case "$*" in ${isLoad}) { head -c 100000; hold; } | "$real" "$@" ;; *) exec "$real" "$@" ;; esac`;
      await using moment = await replaceTool(lab, 'maria', 'mariadb', script);
      const run = restore(lab);
      await moment.reached();
      await lab.stack.compose('kill', 'davit');
      await run;
      await lab.stack.compose('up', '-d', 'davit');
      await lab.runs('davit');
      await until('nothing is left', async () => (await lab.stack.leftovers()).length === 0, 60_000);
      const log = await lab.stack.compose('logs', 'davit');
      expect(log.stdout).toContain(killedHalfWay);
      // The daemon may have told of the case before as well.
      const line = log.stdout.split('\n').findLast((one) => one.includes(killedHalfWay)) ?? '';
      const [, safety] = /"safety":"([^"]+)"/.exec(line) ?? [];
      expect((await lab.stack.json<Manifest>(['show', safety ?? ''])).reason).toBe('safety');
      await until(
        'it is told what the app runs on',
        async () => (await lab.stack.compose('logs', 'davit')).stdout.includes('the app runs on what a restore has left half-way'),
        30_000,
      );
      const back = `\`davit restore ${safety}\` brings back`;
      // At first, so that `up --wait` does not wait for it, health says only that Davit runs.
      await until('health tells it', async () => (await lab.stack.davit('health')).stderr.includes(back), 60_000);
    }
    await succeeds(lab, await restore(lab, '--no-safety'));
  });
});

test('MariaDB refuses half of the dump: the safety snapshot is named, and it brings back what was there', async ({ lab }) => {
  await change(lab.stack);
  let safety: string;
  {
    await using _ = await replaceTool(lab, 'maria', 'mariadb', `case "$*" in ${isLoad}) ${half}; exit 1 ;; esac; exec "$real" "$@"`);
    safety = await fails(lab, await restore(lab), ['container "', 'exited with 1']);
  }
  await lab.stack.restore(safety, '--no-safety');
  expect(await contents(lab.stack)).toBe(changed);
  await succeeds(lab, await restore(lab, '--no-safety'));
});

test('MariaDB takes half of the dump for the whole', async ({ lab }) => {
  {
    await using _ = await replaceTool(lab, 'maria', 'mariadb', `case "$*" in ${isLoad}) ${half}; exit 0 ;; esac; exec "$real" "$@"`);
    await fails(lab, await restore(lab), ['maria/shop', 'is not what the snapshot holds', 'table z is missing']);
  }
  await succeeds(lab, await restore(lab, '--no-safety'));
});

test('PostgreSQL refuses half of the dump: it keeps the database that it had', async ({ lab }) => {
  await change(lab.stack);
  {
    await using _ = await replaceTool(lab, 'postgres', 'pg_restore', 'head -c 20000 | "$real" "$@"; rc=$?; cat >/dev/null; exit "$rc"');
    await fails(lab, await restore(lab, '--service', 'postgres'), ['container "', 'exited with 1']);
  }
  expect(await contents(lab.stack)).toBe(changed);
  expect(await psql(lab.stack, 'SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1')).toBe('postgres\nshop\ntemplate1');
  await succeeds(lab, await restore(lab, '--no-safety'));
});

test('the storage vanishes while files are put back', async ({ lab }) => {
  {
    await using moment = await stallFiles(lab);
    const run = restore(lab);
    await moment.reached();
    await lab.s3.vanish();
    const outcome = await run;
    await lab.s3.appear();
    await fails(lab, outcome, ['nothing listens at the endpoint', 'check AWS_ENDPOINT_URL_S3']);
  }
  await succeeds(lab, await restore(lab, '--no-safety'));
});

test('the volume is too small for its files', async ({ lab }) => {
  await change(lab.stack);
  await lab.stack.sh('app', 'rm /data/random; head -c 35000000 /dev/zero > /data/cache/ballast');
  const safety = await fails(lab, await restore(lab), ['the volume is full', 'free space in it']);
  await lab.stack.sh('app', 'rm /data/cache/ballast');
  await lab.stack.restore(safety, '--no-safety');
  expect(await contents(lab.stack)).toBe(changed);
  await succeeds(lab, await restore(lab, '--no-safety'));
});
