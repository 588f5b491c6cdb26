import { describe, expect } from 'vitest';
import type { Manifest } from '../../../src/model/snapshot.ts';
import type { Fault, Seen } from '../../support/faulty-s3.ts';
import { until } from '../../support/docker.ts';
import { format, type TestStack } from '../../support/stack.ts';
import { mariaTables, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import { isLarge, layout } from './layout.ts';
import { problemsOf } from './look.ts';
import { parts } from './parts.ts';

/** The app's files are several large requests of a worker; the dump is one small request of Davit itself. */
const test = labTest(() => ({
  s3: 'davit-test/s3-fast',
  services: { app: parts.app, maria: parts.maria },
  volumes: ['files', 'maria'],
  async seed(stack) {
    await sql(stack, mariaTables);
    await grow(stack);
  },
}));

/** What was stored before is not sent again in every format. */
const grow = (stack: TestStack) => stack.sh('app', 'head -c 30000000 /dev/urandom > /data/random');

const isPut = ({ method, url }: Seen) => method === 'PUT' && !url.searchParams.has('partNumber');
const { isCommit, isDump, withoutDump } = layout;
const isAny = () => true;
const error500 = { answer: 500, code: 'InternalError' };

describe('for a while', () => {
  const passing: readonly (readonly [what: string, fault: Fault, matches: (request: Seen) => boolean, times: number])[] = [
    ['everything is answered with 503', { answer: 503, code: 'SlowDown' }, isAny, 2],
    ['uploads are answered with 500', error500, (request) => isDump(request) || isLarge(request), 2],
    ['uploads take 3 s each', { delayMs: 3000 }, (request) => isDump(request) || isLarge(request), 4],
    ['uploads are reset half-way', { resetRequestAt: 4000 }, (request) => isDump(request) || isLarge(request), 2],
  ];
  for (const [what, fault, matches, times] of passing) {
    test(`${what}: the run is good all the same`, async ({ lab }) => {
      await grow(lab.stack);
      lab.s3.inject(fault, matches, times);
      await lab.succeeds();
    });
  }
});

describe('for ever', () => {
  const lasting: readonly (readonly [what: string, fault: Fault, matches: (request: Seen) => boolean, exitCode: 1 | 3, says: string[]])[] =
    [
      ['everything is answered with 500', error500, isAny, 1, ['does not answer properly', 'HTTP 500', 'AWS_ENDPOINT_URL_S3']],
      ['every large upload is answered with 500', error500, isLarge, 3, ['app/files/data', 'does not answer properly', 'HTTP 500']],
      ['every large upload is reset half-way', { resetRequestAt: 900_000 }, isLarge, 3, ['app/files/data', 'does not answer properly']],
      ['the dump is answered with 500', error500, isDump, withoutDump.exitCode, [withoutDump.says, 'does not answer properly', 'HTTP 500']],
      ['the dump arrives altered', { flipRequestByte: 50 }, isDump, withoutDump.exitCode, [withoutDump.says, 'other bytes than were sent']],
      ['the manifest is answered with 500', error500, isCommit, 1, [layout.commit, 'does not answer properly', 'HTTP 500']],
      [
        'writing is refused',
        { answer: 403, code: 'AccessDenied' },
        (request) => isPut(request) || request.url.searchParams.has('uploads'),
        1,
        ['access denied', 'allow these credentials'],
      ],
    ];
  for (const [what, fault, matches, exitCode, says] of lasting) {
    test(what, async ({ lab }) => {
      await grow(lab.stack);
      lab.s3.inject(fault, matches, Infinity);
      await lab.fails(await lab.backup(), { exitCode, says, repair: async () => lab.s3.heal() });
    });
  }
});

test('what is older may not be removed: the snapshot is stored all the same, and told of', async ({ lab }) => {
  const isBatch = ({ method, url }: Seen) => method === 'POST' && url.searchParams.has('delete');
  lab.s3.inject({ answer: 501, code: 'NotImplemented' }, isBatch, Infinity);
  lab.s3.inject(
    { answer: 403, code: 'AccessDenied' },
    ({ method, url }) => method === 'DELETE' && !url.pathname.includes('/locks/'),
    Infinity,
  );
  const run = await lab.stack.compose('exec', '-T', '-e', 'DAVIT_KEEP=last=1', 'davit', 'davit', 'backup', '--json');
  lab.s3.heal();
  expect(problemsOf(run).join('\n')).toMatch(/is stored and whole, but retention could not remove what is older: .*access denied/);
  expect(run.exitCode).toBe(3);
  const [{ manifest }] = JSON.parse(run.stdout) as [{ manifest: Manifest }];
  expect((await lab.stack.json<Manifest>(['show', 'latest'])).id).toBe(manifest.id);
  await lab.succeeds();
});

test('the server vanishes during a large upload', async ({ lab }) => {
  await grow(lab.stack);
  const parts = lab.s3.seen.filter(isLarge).length;
  const run = lab.backup();
  await until('it is on its way', () => lab.s3.seen.filter(isLarge).length > parts, 60_000);
  await lab.s3.vanish();
  await lab.fails(await run, { exitCode: 1, says: ['nothing listens at the endpoint'], repair: lab.s3.appear, leaves: 'remains' });
});

test('the server is not there', async ({ lab }) => {
  await lab.s3.vanish();
  await lab.fails(await lab.backup(), {
    exitCode: 1,
    says: ['nothing listens at the endpoint', 'check AWS_ENDPOINT_URL_S3'],
    repair: lab.s3.appear,
  });
});

test('the bucket does not exist', async ({ lab }) => {
  const place = format === 'restic' ? 'restic+s3://nowhere' : 's3://nowhere';
  const run = await lab.stack.compose('exec', '-T', '-e', `DAVIT_STORAGE=${place}`, 'davit', 'davit', 'backup', '--json');
  await lab.fails(run, { exitCode: 1, says: ['s3://nowhere', 'the bucket does not exist', 'correct DAVIT_STORAGE'] });
});
