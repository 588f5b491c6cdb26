import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../src/model/plan.ts';
import type { Service } from '../../../src/steps/discover.ts';
import { planStandstills, requireStill, resume } from '../../../src/steps/quiesce.ts';
import { inStartOrder } from '../../../src/steps/start-order.ts';
import {
  bind,
  commandSource,
  composeContainer,
  databaseSource,
  filesSource,
  plan,
  service,
  stack,
  volume,
} from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

const data = volume('data', '/data');
const stop = { 'davit.quiesce': 'stop' };
const archived = filesSource('app', data);
const names = (services: readonly Service[], of: Plan = plan(archived)) =>
  planStandstills(stack(...services), of).map((one) => one.service);

describe('who stands still', () => {
  test('nobody, unless a service asks for it', () => {
    expect(names([service('app', { labels: {}, mounts: [data] }), service('worker', { mounts: [data] })])).toEqual([]);
  });

  test('the one that asks, with what it asked for and its running containers', () => {
    const labels = { 'davit.quiesce': 'pause', 'davit.quiesce.during': 'files', 'davit.quiesce.timeout': '5s' };
    const replicas = [1, 2, 3].map((number) => composeContainer('app', { number, state: number === 2 ? 'exited' : 'running' }));
    expect(planStandstills(stack(service('app', { labels, replicas })), plan(archived))).toEqual([
      { service: 'app', mode: 'pause', during: 'files', timeoutMs: 5_000, containers: ['shop-app-1', 'shop-app-3'] },
    ]);
  });

  test.each(['exited', 'created', 'paused', 'dead'] as const)('not what is %s anyway, so that it is not started afterwards', (state) => {
    expect(names([service('app', { labels: stop, state })])).toEqual([]);
  });

  test('what Docker restarts over and over, because it could come up meanwhile', () => {
    expect(names([service('app', { labels: stop, state: 'restarting' })])).toEqual(['app']);
  });

  test('also whoever writes an archived volume of it, labelled or not, and gets the same treatment', () => {
    const worker = service('worker', { mounts: [volume('data', '/elsewhere')] });
    const found = planStandstills(stack(service('app', { labels: { 'davit.quiesce': 'pause' }, mounts: [data] }), worker), plan(archived));
    expect(found.map(({ service: name, mode }) => [name, mode])).toEqual([
      ['app', 'pause'],
      ['worker', 'pause'],
    ]);
  });

  test('also who writes a folder in it, or one around it', () => {
    const mounts = [bind('/srv/shop', '/data')];
    const others = ['/srv/shop/uploads', '/srv', '/srv/shop2'].map((source) => service(source, { mounts: [bind(source, '/x')] }));
    const found = names([service('app', { labels: stop, mounts }), ...others], plan(filesSource('app', bind('/srv/shop', '/data'))));
    expect(found).toEqual(['/srv', '/srv/shop/uploads', 'app']);
  });

  test('not who only reads that volume, and not who writes one that is not archived', () => {
    const reader = service('reader', { mounts: [volume('data', '/data', false)] });
    const other = service('other', { mounts: [volume('cache', '/cache')] });
    expect(names([service('app', { labels: stop, mounts: [data, volume('cache', '/cache')] }), reader, other])).toEqual(['app']);
  });

  test('never a database that is dumped, even when it asks or writes the same volume', () => {
    const db = service('db', { labels: stop, mounts: [data] });
    expect(names([service('app', { labels: stop, mounts: [data] }), db], plan(databaseSource('db'), archived))).toEqual(['app']);
  });

  test('who runs a command only after it, even when it asks for the whole set', () => {
    const found = planStandstills(
      stack(service('app', { labels: stop, mounts: [data] }), service('vendor', { mounts: [data] })),
      plan(commandSource('vendor'), archived),
    );
    expect(found.map(({ service: name, during }) => [name, during])).toEqual([
      ['app', 'set'],
      ['vendor', 'files'],
    ]);
  });

  test('never a database that would be dumped if it answered', () => {
    const db = service('db', { labels: stop, mounts: [data] });
    const app = service('app', { labels: stop, mounts: [data] });
    expect(names([app, db], { ...plan(archived), dumped: ['db'] })).toEqual(['app']);
  });

  test('never Davit itself', () => {
    const own = service('davit', { own: true, labels: stop, mounts: [data] });
    expect(names([service('app', { labels: stop, mounts: [data] }), own])).toEqual(['app']);
  });

  test('not who asks in another set', () => {
    expect(names([service('app', { labels: { ...stop, 'davit.set': 'other' }, mounts: [data] })])).toEqual([]);
  });

  test('for the longer time, when one asks for files only and another for the whole set', () => {
    const files = service('a', { labels: { ...stop, 'davit.quiesce.during': 'files' }, mounts: [data] });
    const set = service('b', { labels: stop, mounts: [data] });
    const during = (...services: Service[]) => planStandstills(stack(...services), plan(archived)).map((one) => one.during);
    expect(during(files, set)).toEqual(['set', 'set']);
    expect(during(set, files)).toEqual(['set', 'set']);
  });
});

describe('who is asked to stand still by several', () => {
  const still = (...services: Service[]) => planStandstills(stack(...services), plan(archived));
  const asks = (name: string, labels: Record<string, string>) => service(name, { labels, mounts: [data] });

  test.each([
    ['the other first', 'a', 'b'],
    ['the other last', 'b', 'a'],
  ])('stops when it says so itself, %s', (_, pausing, stopping) => {
    const found = still(asks(pausing, { 'davit.quiesce': 'pause' }), asks(stopping, stop));
    expect(found.map(({ mode }) => mode)).toEqual(['stop', 'stop']);
  });

  test('has the time that it takes itself', () => {
    const [slow, quick] = [{ 'davit.quiesce.timeout': '2m' }, { 'davit.quiesce.timeout': '5s' }];
    const worker = service('worker', { mounts: [data] });
    const found = still(asks('a', { ...stop, ...quick }), asks('b', { ...stop, ...slow }), asks('c', slow), worker);
    expect(found.map(({ service: name, timeoutMs }) => [name, timeoutMs])).toEqual([
      ['a', 5_000],
      ['b', 120_000],
      ['c', 120_000],
      ['worker', 120_000],
    ]);
  });

  test('has the time that compose gives it, where no label says otherwise', () => {
    const patient = (name: string, labels: Record<string, string>) => service(name, { labels, mounts: [data], stopTimeoutMs: 90_000 });
    const quick = patient('quick', { ...stop, 'davit.quiesce.timeout': '5s' });
    expect(still(patient('slow', stop), quick).map(({ timeoutMs }) => timeoutMs)).toEqual([5_000, 90_000]);
    expect(still(asks('other', stop), service('worker', { mounts: [data], stopTimeoutMs: 10_000 }))[0]?.timeoutMs).toBe(30_000);
  });
});

describe('the order of starting', () => {
  const order = (dependencies: Record<string, readonly string[]>, asked = Object.keys(dependencies)) =>
    inStartOrder(
      stack(...Object.entries(dependencies).map(([name, dependsOn]) => service(name, { dependsOn }))),
      asked.map((name) => ({ service: name })),
    ).map((one) => one.service);

  test('dependencies first, whatever the names and the order of asking', () => {
    const dependencies = { api: ['db', 'cache'], cache: [], db: ['init'], init: [], web: ['api'] };
    for (const asked of [Object.keys(dependencies), Object.keys(dependencies).toReversed()]) {
      const found = order(dependencies, asked);
      expect(found.toSorted()).toEqual(Object.keys(dependencies).toSorted());
      for (const [name, needs] of Object.entries(dependencies))
        for (const need of needs) expect(found.indexOf(need), `${need} before ${name}`).toBeLessThan(found.indexOf(name));
    }
  });

  test('holds across services that are not asked for', () => {
    expect(order({ a: ['b'], b: ['c'], c: [] }, ['a', 'c'])).toEqual(['c', 'a']);
  });

  test('is the same every time: by name where nothing depends', () => {
    expect(order({ c: [], a: [], b: [] }, ['b', 'c', 'a'])).toEqual(['a', 'b', 'c']);
  });

  test('a circle or a dependency that does not exist does no harm', () => {
    expect(order({ a: ['b'], b: ['a'], c: ['c', 'gone'] }).toSorted()).toEqual(['a', 'b', 'c']);
    expect(order({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] })).toHaveLength(4);
    expect(order({ x: ['y'], y: ['x', 'z'], z: [] }).indexOf('z')).toBe(0);
  });

  test('a big stack where everything depends on everything before takes no time', () => {
    const all = Array.from({ length: 60 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    expect(order(Object.fromEntries(all.map((name, index) => [name, all.slice(0, index)])), all.toReversed())).toEqual(all);
  });
});

test('who was started meanwhile is named, and who stands still is not', () => {
  const asks = (state: 'running' | 'exited') => service('app', { labels: stop, mounts: [data], state });
  const left = (...services: readonly Service[]) => planStandstills(stack(...services), plan(archived));
  expect(() => requireStill(left(asks('exited'), service('paused', { mounts: [data], state: 'paused' })))).not.toThrow();
  expect(() => requireStill(left(asks('running'), service('late', { mounts: [data] })))).toThrow(
    /^service "app", service "late": ran while it had to stand still.*: shop-app-1, shop-late-1 — do it again/,
  );
});

test('who was removed while it stood still is a warning', async () => {
  const still = { service: 'app', mode: 'stop', during: 'set', timeoutMs: 1, containers: ['shop-app-1'] } as const;
  expect(await resume(fakeContext({ containers: [composeContainer('app')] }), stack(service('app')), [still])).toEqual([]);
  expect(await resume(fakeContext({ containers: [] }), stack(), [still])).toEqual([
    'service "app": shop-app-1 was removed while it stood still, so it runs no more — `docker compose up -d app`',
  ]);
});
