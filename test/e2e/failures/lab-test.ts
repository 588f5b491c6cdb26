import { test as base } from 'vitest';
import { type LabOptions, openLab } from './lab.ts';

/** `uses`: ends after the last lab. */
type Options = LabOptions & { readonly uses?: AsyncDisposable };

/** One lab for all cases of a file. After a case that failed, the next one gets a new lab: nobody knows what it has left, or what still runs in it. */
export function labTest(options: () => Options | Promise<Options>) {
  return (
    base
      // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of what a fixture needs
      .extend('shared', { scope: 'file' }, async ({}, { onCleanup }) => {
        const { uses, ...wanted } = await options();
        const shared = { wanted, lab: await openLab(wanted), hasFailed: false };
        onCleanup(async () => {
          await shared.lab[Symbol.asyncDispose]();
          await uses?.[Symbol.asyncDispose]();
        });
        return shared;
      })
      .extend('lab', async ({ shared, task }, { onCleanup }) => {
        onCleanup(() => void (shared.hasFailed = task.result?.state !== 'pass'));
        if (shared.hasFailed) {
          await shared.lab[Symbol.asyncDispose]();
          shared.lab = await openLab(shared.wanted);
        }
        return shared.lab;
      })
  );
}
