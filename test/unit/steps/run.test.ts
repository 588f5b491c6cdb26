import { expect, test } from 'vitest';
import type { SnapshotWriter } from '../../../src/repository/repository.ts';
import { commit, type Run } from '../../../src/steps/run.ts';
import { artifact, manifest, plan, stack } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

const of = (bytes: number) => artifact({ plain: { bytes, sha256: '0'.repeat(64) } });

test('a snapshot that has much less than the last good one says so', async () => {
  const writer = { commit: async () => undefined } as unknown as SnapshotWriter;
  const run: Run = {
    stack: stack(),
    plan: plan(),
    address: { stack: 'shop', set: 'default', id: 'now' },
    reason: 'backup',
    startedAt: new Date(),
    sequence: 2,
    previous: manifest({ id: 'before', artifacts: [of(9_000_000)] }),
    writer,
    artifacts: [of(1_000_000)],
    failures: [],
    warnings: [],
    downtimeMs: {},
  };
  const { status, warnings } = await commit(fakeContext({ containers: [] }), run);
  expect([status, warnings]).toEqual(['complete', [expect.stringContaining('shrank since before')]]);
});
