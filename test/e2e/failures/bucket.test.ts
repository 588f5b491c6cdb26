import { atAnotherTime, mariaTables, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import { parts } from './parts.ts';

/** A bucket of a server that checks signatures, and with them the time, and that gives no more room than a quota. */
const test = labTest(() => ({
  s3: 'davit-test/s3',
  quota: '20M',
  services: { app: parts.app, maria: parts.maria },
  volumes: ['files', 'maria'],
  environment: { DAVIT_KEEP: 'last=1' },
  async seed(stack) {
    await sql(stack, mariaTables);
    await stack.sh('app', 'head -c 2000000 /dev/urandom > /data/random');
  },
}));

test('the quota is used up during the archive', async ({ lab }) => {
  await lab.stack.sh('app', 'head -c 40000000 /dev/urandom > /data/grown');
  await lab.fails(await lab.backup(), {
    exitCode: 3,
    says: ['app/files/data', 'the quota is used up', 'free space there', 'DAVIT_KEEP'],
    repair: () => lab.stack.sh('app', 'rm /data/grown'),
  });
});

test('the clock is two hours slow: the storage says what time it is', async ({ lab }) => {
  await lab.succeeds(await atAnotherTime(lab.stack, -2 * 3_600_000));
});
