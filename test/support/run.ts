import type { SnapshotWriter } from '../../src/repository/repository.ts';
import type { Stack } from '../../src/steps/discover.ts';
import type { Run } from '../../src/steps/run.ts';
import { plan, stack as stackOf } from './builders.ts';

/** A run that has just begun. Its writer reads what it is given, and keeps nothing. */
export function runOf(stack: Stack = stackOf(), overrides: Partial<Run> = {}): Run {
  const writer = {
    put: async (_: unknown, plain: AsyncIterable<Buffer>) => {
      for await (const _chunk of plain);
    },
    commit: async () => undefined,
  } as unknown as SnapshotWriter;
  return {
    stack,
    plan: plan(),
    address: { stack: 'shop', set: 'default', id: 'now' },
    reason: 'backup',
    startedAt: new Date(),
    surveyed: true,
    sequence: 2,
    previous: undefined,
    writer,
    artifacts: [],
    failures: [],
    warnings: [],
    downtimeMs: {},
    ...overrides,
  };
}
