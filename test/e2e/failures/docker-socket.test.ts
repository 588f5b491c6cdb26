import { describe, expect } from 'vitest';
import { docker } from '../../support/docker.ts';
import { startSocketProxy } from '../../support/socket-proxy.ts';
import { format } from '../../support/stack.ts';
import { holdWorker, lockTable, mariaTables, replaceTool, sql } from './faults.ts';
import { labTest } from './lab-test.ts';
import type { Lab } from './lab.ts';
import { hostAddress, problemsOf } from './look.ts';
import { parts } from './parts.ts';

/** Davit speaks to Docker through a proxy on this machine. Its app takes a second to be stopped, so that it can be cut off meanwhile. */
const proxy = await startSocketProxy({ listen: 'tcp', address: await hostAddress() });
const stubborn = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'];
const test = labTest(() => ({
  uses: proxy,
  environment: { DOCKER_HOST: proxy.host },
  services: {
    app: { ...parts.app, command: stubborn, labels: ['davit.quiesce=stop', 'davit.quiesce.during=files', 'davit.quiesce.timeout=1s'] },
    maria: parts.maria,
  },
  volumes: ['files', 'maria'],
  async seed(stack) {
    await sql(stack, mariaTables);
    await stack.sh('app', 'head -c 60000000 /dev/urandom > /data/random');
  },
}));

/** Only what need not be read twice is read while its app runs. */
const readsAhead = format === 'restic';

async function stateOf({ stack }: Lab) {
  const [isRunning, startedAt] = (
    await docker('inspect', '-f', '{{.State.Running}} {{.State.StartedAt}}', await stack.container('app'))
  ).split(' ');
  return { isRunning, startedAt };
}

interface Moment extends AsyncDisposable {
  reached(): Promise<unknown>;
}

async function inventory(lab: Lab): Promise<Moment> {
  return replaceTool(lab, 'maria', 'mariadb', 'case "$*" in *JSON_OBJECT*) hold ;; esac; exec "$real" "$@"');
}

const moments: readonly (readonly [phase: string, prepare: (lab: Lab) => Moment | Promise<Moment>, says: readonly (string | RegExp)[]])[] =
  [
    ['the inventory', inventory, ['maria', 'the connection to Docker was cut while sh ran']],
    ['the dump', (lab) => lockTable(lab, 'gate_1'), ['maria/shop', 'the connection to Docker was cut while sh ran']],
    [
      'the archive',
      (lab) => holdWorker(lab),
      ['app/files/data', /docker at tcp:.* the connection was cut during POST .*wait.* — look at Docker's own log/],
    ],
  ];

describe.for(['end', 'reset'] as const)('every connection to Docker is cut (%s)', (how) => {
  test.for(moments)('during %s', async ([, prepare, says], { lab }) => {
    await using moment = await prepare(lab);
    const run = lab.backup();
    await moment.reached();
    proxy.cut(how);
    await moment[Symbol.asyncDispose]();
    const cutAt = performance.now();
    await lab.fails(await run, { exitCode: 3, says });
    expect(performance.now() - cutAt, 'nothing that is gone is waited for').toBeLessThan(60_000);
  });

  test.runIf(readsAhead)('while files are read ahead: they are read once more, and the run is good', async ({ lab }) => {
    await using moment = holdWorker(lab, 'runs');
    const run = lab.backup();
    await moment.reached();
    proxy.cut(how);
    await moment[Symbol.asyncDispose]();
    const outcome = await run;
    await lab.succeeds(outcome);
    expect(outcome.stderr).toMatch(/the connection was cut[^]*could not be read ahead, so its app stands still for longer/);
  });

  // Docker goes on with what it was asked: it is asked again, and the run is good.
  test.for(['stop', 'start'] as const)('while the app is told to %s', async (verb, { lab }) => {
    const asked = () => proxy.requests.filter((request) => request.endsWith(`/${verb}`)).length;
    const before = asked();
    const id = verb === 'stop' ? '{id}' : await lab.stack.container('app');
    proxy.cutNext({ method: 'POST', path: `/containers/${id}/${verb}` }, how);
    await lab.succeeds();
    expect(asked() - before).toBeGreaterThan(1);
  });
});

test.runIf(readsAhead)('Docker cannot be reached any more while files are read ahead: nothing was touched', async ({ lab }) => {
  await using moment = holdWorker(lab, 'runs');
  const { startedAt } = await stateOf(lab);
  const run = lab.backup();
  await moment.reached();
  proxy.leave();
  const outcome = await run;
  proxy.comeBack();
  await moment[Symbol.asyncDispose]();
  expect(outcome.exitCode).toBe(1);
  expect(problemsOf(outcome).join('\n')).toMatch(/docker at tcp:.*connection was cut/);
  expect(await stateOf(lab)).toEqual({ isRunning: 'true', startedAt });
  await lab.killed();
});

test('Docker cannot be reached any more while the app stands still: the next run brings it back', async ({ lab }) => {
  {
    await using moment = holdWorker(lab);
    const run = lab.backup();
    await moment.reached();
    proxy.leave();
    const outcome = await run;
    proxy.comeBack();
    expect(outcome.exitCode).toBe(3);
    expect(problemsOf(outcome).join('\n')).toMatch(/docker at tcp:.*connection was cut/);
    expect(outcome.stderr).toContain('could not be undone');
  }
  await lab.killed(1);
});
