import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { createAgeKeys } from '../support/age-keys.ts';
import { password } from '../support/restic.ts';
import { app, maria, planted, postgres, sqlIn } from '../support/services.ts';
import { createStack, format, type TestStack } from '../support/stack.ts';

const keys = { access: 'planted-access-key', secret: 'planted-secret-key' };
const s3 = { image: 'davit-test/s3', environment: { S3_ACCESS_KEY: keys.access, S3_SECRET_KEY: keys.secret, S3_BUCKET: 'bucket' } };
/** A secret comes as a file, as compose gives it. */
const toS3 = {
  DAVIT_STORAGE: 's3://bucket/backups',
  AWS_ENDPOINT_URL_S3: 'http://s3:9000',
  AWS_ACCESS_KEY_ID: keys.access,
  AWS_SECRET_ACCESS_KEY_FILE: '/run/secrets/s3',
};

process.env['S3_SECRET'] = keys.secret;

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

test.each([
  ['portable', 'maria/shop.sql.zst'],
  ['restic', 'maria/shop.sql'],
] as const)('S3 with signatures enforced, %s format: everything comes back, and no secret shows anywhere', async (format, file) => {
  await using stack = await createStack({
    format,
    services: { s3, app: app('files'), maria: maria('maria'), postgres: postgres('postgres') },
    volumes: ['files', 'maria', 'postgres'],
    environment: toS3,
    davit: { secrets: ['s3'] },
    top: { secrets: { s3: { environment: 'S3_SECRET' } } },
  });
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
  expect(said).toContain(file);
  for (const secret of [planted.maria, planted.postgres, keys.secret, password]) expect(said).not.toContain(secret);
});

test('a directory anywhere, reached through a volume', async () => {
  await using stack = await createStack({
    services: { app: app('files'), maria: maria('maria'), postgres: postgres('postgres') },
    volumes: ['files', 'maria', 'postgres'],
    environment: { DAVIT_STORAGE: 'file:///elsewhere/with%20space/deep' },
    davit: { volumes: ['backups:/elsewhere'] },
  });
  await stack.up();
  await seed(stack);
  const manifest = await stack.backup();
  expect(await stack.json(['verify'])).toEqual({ verified: [manifest.id], problems: [] });
  await loseAndRestore(stack);
  await expectSeed(stack);
  expect(await stack.leftovers()).toEqual([]);
});

test.runIf(format === 'portable')(
  'encrypted to age recipients, snapshots are written without a secret and read with the identity only',
  async () => {
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
    expect(blind.stderr).toContain('DAVIT_IDENTITY: is needed to read an encrypted snapshot — set it, or DAVIT_IDENTITY_FILE');
    expect(blind.exitCode).toBe(2);
    const withKey = (own: string) =>
      stack.compose('exec', '-T', '-e', `DAVIT_IDENTITY=${own}`, 'davit', 'davit', 'restore', 'latest', '--yes', '--no-safety');
    const stranger = await withKey((await execa('age-keygen', [])).stdout);
    expect(stranger).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('DAVIT_IDENTITY') });
    await expectSeed(stack);

    await stack.wipe(['app'], ['files']);
    await stack.up('app');
    const sighted = await withKey(key);
    expect(sighted.stderr).not.toContain(key);
    expect(sighted.exitCode).toBe(0);
    await expectSeed(stack);
  },
);

test('age recipients are refused where everything is encrypted with a password that the host knows', async () => {
  const { recipients } = createAgeKeys();
  await using stack = await createStack({
    format: 'restic',
    services: { app: app('files') },
    volumes: ['files'],
    environment: { DAVIT_ENCRYPT_TO: recipients.join() },
  });
  await stack.compose('up', '-d');
  const [davit] = (await execa('docker', ['wait', await stack.container('davit')])).stdout.split('\n');
  expect(davit).toBe('2');
  expect((await stack.compose('logs', 'davit')).stdout).toContain('DAVIT_ENCRYPT_TO says nothing to the format of restic');
});

test('stacks whose names begin alike share a bucket without touching each other; a wrong key is refused', async () => {
  const environment = { ...toS3, DAVIT_KEEP: 'last=1' };
  const secrets = { secrets: { s3: { environment: 'S3_SECRET' } } };
  const davit = { secrets: ['s3'] };
  await using short = await createStack({ services: { s3, app: app('files') }, volumes: ['files'], environment, davit, top: secrets });
  await short.up();
  await using long = await createStack({
    project: `${short.project}2`,
    services: { app: app('files') },
    volumes: ['files'],
    environment,
    davit,
    top: { ...secrets, networks: { default: { name: `${short.project}_default`, external: true } } },
  });
  await long.up();
  const ids = async (stack: TestStack): Promise<string[]> => (await stack.json<Manifest[]>(['list'])).map(({ id }) => id);
  await short.sh('app', 'echo short > /data/a');
  await long.sh('app', 'echo long > /data/a');

  await short.backup();
  expect(await ids(long)).toEqual([]);
  const kept = await long.backup();
  const newest = await short.backup();
  expect([await ids(short), await ids(long)]).toEqual([[newest.id], [kept.id]]);
  expect((await short.davit('show', kept.id)).stderr).toContain(`has no snapshot ${kept.id}`);
  await long.sh('app', 'rm /data/a');
  await long.restore('latest');
  expect(await long.sh('app', 'cat /data/a')).toBe('long');

  const wrong = ['-e', 'AWS_SECRET_ACCESS_KEY_FILE=', '-e', 'AWS_SECRET_ACCESS_KEY=not-the-right-one'];
  const refused = await short.compose('exec', '-T', ...wrong, 'davit', 'davit', 'backup');
  expect(refused.stderr).toMatch(/s3:\/\/bucket\/backups.*AWS_SECRET_ACCESS_KEY/s);
  expect(refused.exitCode).toBe(1);
  expect(await ids(short)).toEqual([newest.id]);
});
