import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { app, postgres, sqlIn } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

test('Davit as another user without a capability: it keeps what its workers store, and everything comes back', async () => {
  const { gid } = await stat('/var/run/docker.sock');
  await using stack = await createStack({
    services: {
      keeper: { image: 'davit-test/app', volumes: ['backups:/backups'] },
      app: app('files'),
      postgres: postgres('postgres'),
    },
    volumes: ['files', 'postgres'],
    environment: { DAVIT_STORAGE: 'file:///backups/of/davit' },
    davit: { user: '1234:1235', group_add: [String(gid)], cap_drop: ['ALL'], volumes: ['files:/mine'] },
  });
  await stack.up('keeper');
  await stack.sh('keeper', 'chown 1234:1235 /backups');
  await stack.up();
  await stack.sh('app', 'umask 077; mkdir /data/private; echo secret > /data/private/file; chown -R 33:33 /data/private');
  await stack.sh('postgres', sqlIn.postgres('CREATE TABLE t AS SELECT 1 AS a'));
  expect((await stack.backup()).status).toBe('complete');
  const others = 'find /backups ! -uid 1234 -o ! -gid 1235';
  expect(await stack.sh('keeper', others)).toBe('');

  await stack.sh('app', 'rm -r /data/private');
  await stack.sh('postgres', sqlIn.postgres('DROP TABLE t'));
  await stack.restore('latest');
  expect(await stack.sh('app', 'cat /data/private/file; stat -c %u:%g:%a /data/private')).toBe('secret\n33:33:700');
  expect(await stack.sh('postgres', sqlIn.postgres('SELECT a FROM t'))).toBe('1');
  expect((await stack.davit('verify')).exitCode).toBe(0);
  expect(await stack.sh('keeper', others)).toBe('');
});
