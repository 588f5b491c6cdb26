import { test as base } from 'vitest';
import { type LabOptions, openLab } from './lab.ts';

/** One lab for all cases of a file. After a case that failed, the next one gets its services whole again. */
export function labTest(options: () => LabOptions | Promise<LabOptions>) {
  return (
    base
      // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of what a fixture needs
      .extend('shared', { scope: 'file' }, async ({}, { onCleanup }) => {
        const lab = await openLab(await options());
        onCleanup(() => lab[Symbol.asyncDispose]());
        return { lab, hasFailed: false };
      })
      .extend('lab', async ({ shared, task }, { onCleanup }) => {
        onCleanup(() => void (shared.hasFailed = task.result?.state !== 'pass'));
        if (shared.hasFailed) {
          await shared.lab.stack.compose('unpause');
          await shared.lab.stack.up();
          await shared.lab.succeeds();
        }
        return shared.lab;
      })
  );
}
