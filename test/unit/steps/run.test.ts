import { expect, test } from 'vitest';
import { commit } from '../../../src/steps/run.ts';
import { artifact, manifest } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';
import { runOf } from '../../support/run.ts';

const of = (bytes: number) => artifact({ plain: { bytes, sha256: '0'.repeat(64) } });

test('a snapshot that has much less than the last good one says so', async () => {
  const run = runOf(undefined, { previous: manifest({ id: 'before', artifacts: [of(9_000_000)] }), artifacts: [of(1_000_000)] });
  const { status, warnings } = await commit(fakeContext({ containers: [] }), run);
  expect([status, warnings]).toEqual(['complete', [expect.stringContaining('shrank since before')]]);
});

test('what programs have said comes into the manifest without secrets', async () => {
  const context = fakeContext({ containers: [] });
  context.redactor.protect(['geheim']);
  const said = 'no such user: geheim';
  const run = runOf(undefined, {
    artifacts: [{ ...of(1), warnings: [said] }],
    failures: [{ service: 'app', error: said }],
    warnings: [said],
  });
  expect(JSON.stringify(await commit(context, run)).match(/no such user: [^"]*/g)).toEqual(Array(4).fill('no such user: [redacted]'));
});
