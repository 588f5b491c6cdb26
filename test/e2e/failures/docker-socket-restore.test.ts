import { describe, expect } from 'vitest';
import { until } from '../../support/docker.ts';
import { startSocketProxy } from '../../support/socket-proxy.ts';
import type { TestStack } from '../../support/stack.ts';
import { holdWorker, mariaTables, replaceTool, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import type { Lab } from './lab.ts';
import { hostAddress } from './look.ts';
import { parts } from './parts.ts';

/** Davit speaks to Docker through a proxy on this machine, which is cut off while it restores. */
const proxy = await startSocketProxy({ listen: 'tcp', address: await hostAddress() });
const test = labTest(() => ({
  uses: proxy,
  environment: { DOCKER_HOST: proxy.host },
  services: { app: parts.app, maria: parts.maria },
  volumes: ['files', 'maria'],
  async seed(stack) {
    await sql(stack, mariaTables);
    await stack.sh('app', 'echo original > /data/state');
  },
}));

const contents = async (stack: TestStack): Promise<string> =>
  `${await stack.sh('app', 'cat /data/state')} ${await sql(stack, 'SELECT COUNT(*) FROM a')}`;

async function change(stack: TestStack): Promise<void> {
  await stack.sh('app', 'echo changed > /data/state');
  await sql(stack, 'DELETE FROM a WHERE id > 10');
}

const holdLoad = (lab: Lab) =>
  replaceTool(
    lab,
    'maria',
    'mariadb',
    `case "$*" in *--binary-mode*--database=shop*) { head -c 100000; hold; cat; } | "$real" "$@" ;; *) exec "$real" "$@" ;; esac`,
  );

const restore = ({ stack, good }: Lab) => stack.davit('restore', good().id, '--yes');

async function comesBack(lab: Lab): Promise<void> {
  await until('nothing is left', async () => (await lab.stack.leftovers()).length === 0, 60_000);
  expect((await lab.stack.davit('health')).stderr).toContain('what a restore has left');
  expect(await restore(lab)).toMatchObject({ exitCode: 0 });
  expect(await contents(lab.stack)).toBe('original 5000');
  await lab.runs();
  await lab.succeeds();
}

describe.for(['end', 'reset'] as const)('every connection to Docker is cut (%s)', (how) => {
  test('while a database is loaded: the way back is named, and the app runs', async ({ lab }) => {
    await change(lab.stack);
    {
      await using moment = await holdLoad(lab);
      const run = restore(lab);
      await moment.reached();
      proxy.cut(how);
      expect(await run).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/connection to Docker was cut.*half-way: `davit restore \S+` brings back/),
      });
    }
    await comesBack(lab);
  });

  test('when everything is in, and the notes of it are removed: Docker is asked again', async ({ lab }) => {
    proxy.cutNext({ method: 'DELETE', path: '/containers/{id}' }, how);
    expect(await lab.stack.davit('restore', lab.good().id, '--yes', '--no-safety')).toMatchObject({ exitCode: 0 });
    expect(await lab.stack.leftovers()).toEqual([]);
    expect((await lab.stack.davit('health')).exitCode).toBe(0);
  });
});

test('Docker cannot be reached any more while a database is loaded: the daemon brings the app back', async ({ lab }) => {
  await change(lab.stack);
  {
    await using moment = await holdLoad(lab);
    const run = restore(lab);
    await moment.reached();
    proxy.leave();
    const outcome = await run;
    proxy.comeBack();
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/could not be undone[^]*half-way: `davit restore/) });
  }
  await comesBack(lab);
});

test('every connection is cut while the server of a drill starts: the drill goes on, and leaves nothing', async ({ lab }) => {
  await using moment = holdWorker(lab, 'runs');
  const run = lab.stack.davit('drill');
  await moment.reached();
  proxy.cut('end');
  await moment[Symbol.asyncDispose]();
  expect(await run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('can be restored') });
  expect(await lab.stack.leftovers()).toEqual([]);
});
