import { defineConfig } from 'vitest/config';
import { secondTries } from './test/support/second-tries.ts';

/** Waits in contract and e2e tests have limits, which a busy CI machine can miss: there, and only there, a test may try once more, and says so. */
const retry = process.env['CI'] === undefined ? 0 : 1;

/** Tests of stacks that show in a minute or two that the steps do not depend on the format; DAVIT_TEST_FORMAT=restic runs all of them in that one. */
const inBothFormats = ['whole-stack', 'killed', 'failures/directory', 'quiesce', 'secrets'].map((name) => `test/e2e/${name}.test.ts`);

const e2e = {
  retry,
  testTimeout: 600_000,
  hookTimeout: 600_000,
  // Each file has stacks of its own, and mostly waits for them.
  maxWorkers: 2,
};

/** Unit tests are pure and need nothing; contract tests need programs (tar, zstd, age); e2e tests need Docker and the built image. */
export default defineConfig({
  test: {
    reporters: ['default', secondTries],
    projects: [
      // Pure: nothing that one file does reaches another, so modules are loaded once and no core waits. On a busy machine a process takes long to start.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false, maxWorkers: 2, testTimeout: 30_000 } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          retry,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
        },
      },
      { test: { ...e2e, name: 'e2e', include: ['test/e2e/**/*.test.ts'] } },
      { test: { ...e2e, name: 'e2e-restic', include: inBothFormats, env: { DAVIT_TEST_FORMAT: 'restic' } } },
    ],
  },
});
