import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { createS3Storage } from '../../src/storage/s3.ts';
import { createAgeKeys } from '../support/age-keys.ts';
import { until } from '../support/docker.ts';
import { password } from '../support/restic.ts';
import { app, maria, postgres } from '../support/services.ts';
import { createStack, format } from '../support/stack.ts';
import { layout, objects } from './failures/layout.ts';

const planted = {
  mariaRoot: 'planted-1-maria-root',
  mariaBackup: 'planted-2-maria-backup',
  postgres: 'planted-3-postgres',
  aws: 'planted-4/aws+secret=',
  token: 'planted-5-token-of-an-app',
  ...(format === 'restic' ? { password } : {}),
};
const { recipients, identity } = createAgeKeys();
const key = /AGE-SECRET-KEY-\w+/.exec(identity)?.[0] ?? '';

interface Watch extends Disposable {
  /** Everything that was heard and looked at so far. */
  said(): string;
  readonly created: ReadonlySet<string>;
}

/** Listens to the events of the stack, as everybody with the socket can, and inspects every container that is created. */
function watch(project: string): Watch {
  const heard: string[] = [];
  const created = new Set<string>();
  const events = execa('docker', ['events', '--format', '{{json .}}'], { reject: false, buffer: false });
  const inspect = async (id: string, kind: string): Promise<void> => {
    const { stdout } = await execa('docker', ['inspect', id], { reject: false });
    heard.push(stdout);
    if (stdout.includes(`davit-${kind}-${project}`)) created.add(kind);
  };
  createInterface({ input: events.stdout }).on('line', (line) => {
    if (!line.includes(project)) return;
    heard.push(line);
    const { Action, Actor } = JSON.parse(line) as { Action: string; Actor: { ID: string; Attributes: { name?: string } } };
    const [, kind] = /^davit-(worker|journal)-/.exec(Actor.Attributes.name ?? '') ?? [];
    if (Action === 'create' && kind !== undefined) void inspect(Actor.ID, kind);
  });
  return { said: () => heard.join('\n'), created, [Symbol.dispose]: () => void events.kill() };
}

test('no secret shows in output, logs, events, inspects, object names or manifests', async () => {
  process.env['PLANTED_AWS'] = planted.aws;
  await using stack = await createStack({
    services: {
      s3: {
        image: 'davit-test/s3',
        environment: { S3_ACCESS_KEY: 'access', S3_SECRET_KEY: planted.aws, S3_BUCKET: 'bucket' },
        ports: ['127.0.0.1::9000'],
      },
      app: app('files', {
        environment: { APP_TOKEN: planted.token },
        labels: [
          'davit.quiesce=stop',
          'davit.hook.before=echo "$$APP_TOKEN" >&2; env',
          // Its last line stands in the manifest, and once it fails for good also in the state of health.
          'davit.hook.before.2=echo "refused: $$APP_TOKEN"; exit 1',
          'davit.hook.before.2.on-error=warn',
          'davit.hook.before.3=test ! -e /data/fail || { echo "refused: $$APP_TOKEN"; exit 1; }',
        ],
      }),
      maria: maria('maria', {
        environment: { MARIADB_ROOT_PASSWORD_FILE: '/run/secrets/root', MARIADB_DATABASE: 'shop' },
        labels: ['davit.dump.user=backup', 'davit.dump.password-file=/run/secrets/backup'],
        secrets: ['root', 'backup'],
      }),
      postgres: postgres('postgres', {
        environment: { POSTGRES_PASSWORD: planted.postgres, POSTGRES_INITDB_ARGS: '--auth-local=scram-sha-256' },
      }),
    },
    volumes: ['files', 'maria', 'postgres'],
    files: { root: planted.mariaRoot, backup: planted.mariaBackup, identity: key },
    environment: {
      DAVIT_STORAGE: 's3://bucket/backups',
      DAVIT_LOG_LEVEL: 'trace',
      // The other format has a password.
      ...(format === 'portable' ? { DAVIT_ENCRYPT_TO: recipients.join(), DAVIT_IDENTITY_FILE: '/run/secrets/identity' } : {}),
      AWS_ENDPOINT_URL_S3: 'http://s3:9000',
      AWS_ACCESS_KEY_ID: 'access',
      AWS_SECRET_ACCESS_KEY_FILE: '/run/secrets/aws',
    },
    davit: { secrets: ['aws', 'identity'] },
    top: {
      secrets: {
        aws: { environment: 'PLANTED_AWS' },
        ...Object.fromEntries(['root', 'backup', 'identity'].map((name) => [name, { file: `./${name}` }])),
      },
    },
  });
  await stack.up();
  const grants = `CREATE USER backup@localhost IDENTIFIED BY '${planted.mariaBackup}'; GRANT ALL ON *.* TO backup@localhost WITH GRANT OPTION`;
  await stack.sh('maria', 'mariadb -uroot -p"$(cat /run/secrets/root)"', grants);

  using watched = watch(stack.project);
  const outputs: string[] = [];
  const run = async (exitCode: number, ...args: string[]): Promise<void> => {
    const outcome = await stack.davit(...args);
    expect(outcome.exitCode, `davit ${args.join(' ')}: ${outcome.stderr}`).toBe(exitCode);
    outputs.push(`${outcome.stdout}\n${outcome.stderr}`);
  };
  await run(0, 'plan');
  await run(0, 'plan', '--json');
  await run(0, 'backup');
  await run(0, 'show', 'latest', '--json');
  await run(0, 'verify');
  await run(0, 'restore', 'latest', '--yes');
  await stack.sh('maria', `mariadb -uroot -p"$(cat /run/secrets/root)"`, `ALTER USER backup@localhost IDENTIFIED BY 'changed'`);
  await stack.sh('app', 'touch /data/fail');
  await run(3, 'backup');
  await run(1, 'health');
  await until('worker and journal were inspected', () => watched.created.size === 2);

  const logs = await stack.compose('logs', 'davit');
  const endpoint = `http://${(await stack.compose('port', 's3', '9000')).stdout}`;
  const environment = { AWS_ENDPOINT_URL_S3: endpoint, AWS_ACCESS_KEY_ID: 'access', AWS_SECRET_ACCESS_KEY: planted.aws };
  const storage = createS3Storage({ bucket: 'bucket', prefix: 'backups', environment });
  const manifests = await layout.manifests(storage);
  expect(manifests.map(({ status }) => status).toSorted()).toEqual(['complete', 'complete', 'incomplete']);

  const inside = [...(await objects(storage)), JSON.stringify(manifests)];
  const said = [...outputs, logs.stdout, logs.stderr, ...inside, watched.said()].join('\n');
  const dump = format === 'portable' ? 'maria/shop.sql.zst.age' : 'maria/shop.sql';
  for (const proof of ['exec_create', dump, 'io.davit.worker', 'io.davit.journal', 'Access denied', 'refused: [redacted]'])
    expect(said).toContain(proof);
  for (const secret of [...Object.values(planted), key]) expect(said).not.toContain(secret);
});
