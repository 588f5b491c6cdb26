import { describe, expect } from 'vitest';
import { deeds, serves } from '../../support/app-stack.ts';
import { docker } from '../../support/docker.ts';
import type { Gate } from '../failures/faults.ts';
import type { labTest } from '../failures/lab-test.ts';
import type { Lab } from '../failures/lab.ts';
import { lose } from '../failures/layout.ts';

/** What can be broken in an app of compose-examples. */
export interface Breakable {
  readonly service: string;
  /** Its artifact, and what a capture of it can be made to wait for. The service is another where the database has a server. */
  readonly database: {
    readonly service: string;
    readonly name: string;
    readonly hold: (lab: Lab) => Promise<Pick<Gate, 'reached'> & AsyncDisposable>;
  };
  /** Shell lines that break and mend the command of a hook, by default one of the service itself. */
  readonly hook: { readonly in?: string; readonly breaks: string; readonly mends: string; readonly says: readonly (string | RegExp)[] };
}

/** Whatever goes wrong, the run is red, nothing half-made counts, and the app serves again. The next run is good. */
export function breaks(test: ReturnType<typeof labTest>, { service, database, hook }: Breakable): void {
  describe('the app serves again', () => {
    test('when the storage takes nothing', async ({ lab }) => {
      lab.s3.inject({ answer: 500, code: 'InternalError' }, ({ method }) => method === 'PUT' || method === 'POST', Infinity);
      const run = await lab.backup();
      await serves(lab.stack, service);
      await lab.fails(run, { exitCode: 1, says: ['HTTP 500'], repair: async () => lab.s3.heal() });
    });

    test.skipIf(database.service === service)('when the database is gone', async ({ lab }) => {
      await docker('kill', await lab.stack.container(database.service));
      const run = await lab.backup();
      await lab.fails(run, {
        exitCode: 3,
        says: [`service "${database.service}"`, 'exited'],
        repair: async () => {
          await lab.stack.up(database.service);
          // By now the app may be called unhealthy, until it is asked again.
          await lab.runs();
          // Whoever was served while it was killed may have left a file without its row: no snapshot can mend that, but an older one does.
          await lab.stack.restore(lab.good().id, '--no-safety');
        },
      });
      await serves(lab.stack, service);
    });

    test('when its hook fails', async ({ lab }) => {
      await lab.stack.sh(hook.in ?? service, hook.breaks);
      const run = await lab.backup();
      await serves(lab.stack, service);
      await lab.fails(run, { exitCode: 3, says: hook.says, repair: () => lab.stack.sh(hook.in ?? service, hook.mends) });
    });

    test('when Davit is killed during the dump and started again', async ({ lab }) => {
      {
        await using gate = await database.hold(lab);
        const run = lab.backup();
        await gate.reached();
        await lab.stack.compose('kill', 'davit');
        await run;
        await lab.stack.up('davit');
        await serves(lab.stack, service);
      }
      await lab.killed();
    });
  });

  test('a restore of a snapshot that lacks a member is refused before it touches anything', async ({ lab }) => {
    const { id, artifacts } = lab.good();
    const dump = artifacts.find((one) => one.service === database.service && one.name === database.name);
    if (dump === undefined) throw new Error(`${id} has no ${database.name}`);
    const giveBack = await lose(lab.storage, lab.good(), dump);
    const stops = async () => (await deeds(lab.stack, service)).filter(({ did }) => did === 'stop').length;
    const before = await stops();
    const { exitCode, stderr } = await lab.stack.davit('restore', id, '--yes');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${database.service}/${database.name}`);
    await serves(lab.stack, service);
    expect(await stops()).toBe(before);
    await giveBack();
    await lab.succeeds();
  });
}
