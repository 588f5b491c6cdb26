import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app, maria, planted, postgres, sqlIn } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';

const keys = { access: 'planted-access-key', secret: 'planted-secret-key' };
const s3 = { image: 'davit-test/s3', environment: { S3_ACCESS_KEY: keys.access, S3_SECRET_KEY: keys.secret, S3_BUCKET: 'bucket' } };
/** A secret comes as a file, as compose gives it. */
const toS3 = {
  DAVIT_STORAGE: 's3://bucket/backups',
  AWS_ENDPOINT_URL_S3: 'http://s3:9000',
  AWS_ACCESS_KEY_ID: keys.access,
  AWS_SECRET_ACCESS_KEY_FILE: '/run/secrets/s3',
};

async function stackOnS3(environment: Record<string, string> = {}): Promise<TestStack> {
  process.env['S3_SECRET'] = keys.secret;
  return createStack({
    services: { s3, app: app('files'), maria: maria('maria'), postgres: postgres('postgres') },
    volumes: ['files', 'maria', 'postgres'],
    environment: { ...toS3, ...environment },
    davit: { secrets: ['s3'] },
    top: { secrets: { s3: { environment: 'S3_SECRET' } } },
  });
}

async function seed(stack: TestStack): Promise<void> {
  // Larger than one part of a multipart upload, and not compressible.
  await stack.sh('app', 'head -c 30000000 /dev/urandom > /data/random; sha256sum /data/random > /data/sum');
  await stack.sh('maria', sqlIn.maria(`CREATE TABLE t (id INT); INSERT INTO t VALUES (41), (42)`));
  await stack.sh('postgres', sqlIn.postgres('CREATE TABLE t AS SELECT generate_series(1, 1000) AS id'));
}

async function expectSeed(stack: TestStack): Promise<void> {
  expect(await stack.sh('app', 'sha256sum --check /data/sum')).toBe('/data/random: OK');
  expect(await stack.sh('maria', sqlIn.maria('SELECT SUM(id) FROM t'))).toBe('83');
  expect(await stack.sh('postgres', sqlIn.postgres('SELECT count(*) FROM t'))).toBe('1000');
}

async function loseAndRestore(stack: TestStack): Promise<void> {
  await stack.wipe(['app', 'maria', 'postgres'], ['files', 'maria', 'postgres']);
  await stack.up('app', 'maria', 'postgres');
  await stack.restore('latest', '--no-safety');
}

test('S3 with signatures enforced: everything comes back, and no secret shows anywhere', async () => {
  await using stack = await stackOnS3();
  await stack.up();
  await seed(stack);
  const events = execa('docker', ['events', '--filter', `label=com.docker.compose.project=${stack.project}`, '--format', '{{json .}}'], {
    reject: false,
  });
  const backup = await stack.davit('backup', '--json');
  expect(backup.exitCode).toBe(0);
  const [{ manifest }] = JSON.parse(backup.stdout) as [{ manifest: Manifest }];
  expect(manifest.artifacts.every(({ proven }) => proven)).toBe(true);
  expect((await stack.davit('verify')).exitCode).toBe(0);
  const plan = await stack.davit('plan');
  await loseAndRestore(stack);
  events.kill();
  await expectSeed(stack);

  const logs = await stack.compose('logs', 'davit');
  const keysOfBucket = await stack.compose('exec', '-T', 's3', 's3-curl', '/bucket?list-type=2');
  const said = [backup, plan, logs, keysOfBucket].map(({ stdout, stderr }) => stdout + stderr).join('\n') + (await events).stdout;
  expect(said).toContain('maria/shop.sql.zst');
  for (const secret of [planted.maria, planted.postgres, keys.secret]) expect(said).not.toContain(secret);
});

test('a wrong key is refused, and the error says what to do', async () => {
  await using stack = await stackOnS3({ AWS_ACCESS_KEY_ID: 'somebody-else' });
  await stack.up();
  const { exitCode, stderr } = await stack.davit('backup');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/s3:\/\/bucket\/backups.*AWS_ACCESS_KEY_ID/s);
  expect(stderr).not.toContain(keys.secret);
});

test('encrypted to age recipients, snapshots are written without a secret and read with the identity only', async () => {
  const { stdout: identity } = await execa('age-keygen', []);
  const key = /AGE-SECRET-KEY-\w+/.exec(identity)?.[0] ?? '';
  const recipient = /age1\w+/.exec(identity)?.[0] ?? '';
  await using stack = await createStack({
    services: { app: app('files'), maria: maria('maria'), postgres: postgres('postgres') },
    volumes: ['files', 'maria', 'postgres'],
    environment: { DAVIT_ENCRYPT_TO: recipient },
  });
  await stack.up();
  await seed(stack);
  const manifest = await stack.backup();
  expect(manifest.artifacts.every(({ file, codecs }) => file.endsWith('.zst.age') && codecs.join() === 'zstd,age')).toBe(true);
  expect((await stack.davit('verify')).exitCode).toBe(0);

  const blind = await stack.davit('restore', 'latest', '--yes', '--no-safety');
  expect(blind).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('DAVIT_IDENTITY') });
  await expectSeed(stack);

  await stack.wipe(['app'], ['files']);
  await stack.up('app');
  const sighted = await stack.compose(
    'exec',
    '-T',
    '-e',
    `DAVIT_IDENTITY=${key}`,
    'davit',
    'davit',
    'restore',
    'latest',
    '--yes',
    '--no-safety',
  );
  expect(sighted.stderr).not.toContain(key);
  expect(sighted.exitCode).toBe(0);
  await expectSeed(stack);
});

test('stacks whose names begin alike share a bucket without touching each other', async () => {
  await using long = await createStack({
    services: { app: app('files') },
    volumes: ['files'],
    project: 'davit-test-app2',
    environment: { DAVIT_KEEP: 'last=1' },
  });
  await long.up();
  await long.sh('app', 'echo long > /data/a');
  await long.backup();
  const shared = { name: 'davit-test-app2_backups', external: true };
  await using short = await createStack({
    services: { app: app('files') },
    project: 'davit-test-app',
    environment: { DAVIT_STORAGE: 'file:///shared', DAVIT_KEEP: 'last=1' },
    davit: { volumes: ['shared:/shared'] },
    top: { volumes: { files: {}, backups: {}, shared } },
  });
  await short.up();
  await short.sh('app', 'echo short > /data/a');
  await short.backup();
  const newest = await short.backup();
  expect((await short.json<Manifest[]>(['list'])).map(({ id }) => id)).toEqual([newest.id]);
  expect(await long.json<Manifest[]>(['list'])).toHaveLength(1);
  expect((await long.davit('verify')).exitCode).toBe(0);
});
