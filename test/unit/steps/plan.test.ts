import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../src/model/plan.ts';
import { discover } from '../../../src/steps/discover.ts';
import { plan, setsOf } from '../../../src/steps/plan.ts';
import { composeContainer, service, stack, volume } from '../../support/builders.ts';
import { fakeContext, type FakeStack } from '../../support/fake-context.ts';
import { prelude } from '../../support/mongodump-archive.ts';

const enabled = { 'davit.enable': 'true' };
const inventory = `${[
  { tool: 'pg_dump 17' },
  { server: '17.6', super: true },
  { name: 'shop', owner: 'app', encoding: 'UTF8', collate: 'C', ctype: 'C' },
  { name: 'stats', owner: 'app', encoding: 'UTF8', collate: 'C', ctype: 'C' },
]
  .map((line) => JSON.stringify(line))
  .join('\n')}\n`;

const postgres = (labels: Record<string, string> = enabled, overrides: Parameters<typeof composeContainer>[1] = {}) =>
  composeContainer('db', { image: 'postgres:17', mounts: [volume('pg', '/var/lib/postgresql/data')], labels, ...overrides });

async function planned(containers: FakeStack['containers'], fake: Partial<FakeStack> = {}, set = 'default'): Promise<Plan> {
  const context = fakeContext({ containers, answer: () => ({ stdout: inventory }), ...fake });
  return plan(context, await discover(context), set);
}

const sources = ({ sources }: Plan) => sources.map(({ kind, service: name, name: artifact }) => `${kind} ${name}/${artifact}`);
const problems = ({ problems }: Plan) => problems.map(({ error }) => error.message);

describe('databases', () => {
  test('every one is a source of its own, then the accounts; the volume of the server is none', async () => {
    const found = await planned([postgres()]);
    expect(sources(found)).toEqual(['accounts db/@roles', 'database db/shop', 'database db/stats']);
    expect(found.sources[1]).toMatchObject({ engine: 'postgres', server: '17.6', tool: 'pg_dump 17', details: { owner: 'app' } });
    expect(found.skipped).toContainEqual(expect.objectContaining({ service: 'db', what: '/var/lib/postgresql/data' }));
    expect(found.problems).toEqual([]);
  });

  test('only those that the label names; the others are said to be left out', async () => {
    const found = await planned([postgres({ 'davit.dump.databases': 'stats' })]);
    expect(sources(found)).toEqual(['accounts db/@roles', 'database db/stats']);
    expect(found.skipped).toContainEqual({ service: 'db', what: 'database shop', why: 'not in davit.dump.databases' });
  });

  test('a server that can be dumped at once is, unless the label names databases', async () => {
    const archive = prelude([{ db: 'shop', collection: 'orders', metadata: '{}', size: 0, type: 'collection' }]).toString('base64');
    const answer = () => ({ stdout: `{"oplog":true,"client":true}\n${archive}\n` });
    const mongo = (labels: Record<string, string>) => planned([composeContainer('db', { image: 'mongo:8', labels })], { answer });
    const whole = await mongo(enabled);
    expect(sources(whole)).toEqual(['database db/@server']);
    expect([whole.skipped, whole.problems]).toEqual([[], []]);
    expect(sources(await mongo({ 'davit.dump.databases': 'shop' }))).toEqual(['database db/shop']);
    expect(problems(await mongo({ 'davit.dump.databases': 'shpo' }))).toEqual([expect.stringMatching(/does not exist: shpo — .* shop/)]);
  });

  test('one that does not exist is a problem, and the others are still planned', async () => {
    const found = await planned([postgres({ 'davit.dump.databases': 'stats,shpo' })]);
    expect(sources(found)).toContain('database db/stats');
    expect(problems(found)).toEqual([expect.stringMatching(/names a database that does not exist: shpo — the server has shop, stats/)]);
  });

  test('a server that does not answer is a problem with its own words, and its files are no way out', async () => {
    const found = await planned([postgres()], { answer: () => ({ exitCode: 2, stderr: 'x\nFATAL: password authentication failed\n' }) });
    expect(found.sources).toEqual([]);
    expect(problems(found)).toEqual([
      expect.stringMatching(/service "db": postgres does not answer: .*password authentication failed — .*password-env/),
    ]);
  });

  test('a server that does not run is a problem', async () => {
    expect(problems(await planned([postgres(enabled, { state: 'exited' })]))).toEqual([
      expect.stringMatching(/cannot be dumped: the container is exited/),
    ]);
  });

  test('dump=none archives the files of the server instead, with a warning', async () => {
    const found = await planned([postgres({ 'davit.dump': 'none' })]);
    expect(sources(found)).toEqual(['files db/files/var/lib/postgresql/data']);
    expect(found.warnings).toEqual([
      expect.stringMatching(/service "db": .* a database server that is not dumped.* torn — label davit\.quiesce=stop/),
    ]);
  });

  test('an engine that is named is believed, and one that only runs is found', async () => {
    const labels = { 'davit.dump': 'postgres' };
    expect(sources(await planned([composeContainer('x', { labels })]))).toHaveLength(3);
    const running = await planned([composeContainer('x', { labels: enabled })], { processes: { 'shop-x-1': ['sh', 'postgres'] } });
    expect(sources(running)).toHaveLength(3);
  });
});

describe('files', () => {
  test('of a service beside a database', async () => {
    const app = composeContainer('app', { labels: enabled, mounts: [volume('files', '/data')] });
    expect(sources(await planned([app, postgres()])).at(-1)).toBe('files app/files/data');
  });

  test('never the data directory of a server, by whomever it is mounted', async () => {
    const admin = composeContainer('admin', { labels: enabled, mounts: [volume('pg', '/pg')] });
    expect(sources(await planned([admin, postgres()]))).not.toContain('files admin/files/pg');
    const unlabelled = await planned([admin, postgres({})]);
    expect(sources(unlabelled)).toEqual(['files admin/files/pg']);
    expect(unlabelled.warnings).toEqual([expect.stringMatching(/not dumped/)]);
  });

  test('never the volume that the snapshots are in, with a directory as storage', async () => {
    const app = composeContainer('app', { labels: enabled, mounts: [volume('shop_backups', '/old')] });
    expect(sources(await planned([app]))).toEqual([]);
    expect(sources(await planned([app], { environment: { DAVIT_STORAGE: 's3://bucket' } }))).toEqual(['files app/files/old']);
  });

  test('shared by two services are those of the one with the lower order', async () => {
    const mounts = [volume('v', '/data')];
    const containers = [
      composeContainer('a', { labels: enabled, mounts }),
      composeContainer('b', { labels: { 'davit.order': '-1' }, mounts }),
    ];
    expect(sources(await planned(containers))).toEqual(['files b/files/data']);
  });
});

describe('what takes no part', () => {
  test('is said, with the reason; Davit itself is not mentioned', async () => {
    const found = await planned([composeContainer('web'), composeContainer('app', { labels: { 'davit.set': 'other' } }), postgres()]);
    expect(found.skipped.filter(({ what }) => what === 'everything')).toEqual([
      { service: 'app', what: 'everything', why: 'it belongs to set "other"' },
      { service: 'web', what: 'everything', why: 'it has no davit label' },
    ]);
  });

  test('a service with a wrong label is a problem of every set', async () => {
    const wrong = composeContainer('app', { labels: { 'davit.ordr': '1' } });
    for (const set of ['default', 'other'])
      expect(problems(await planned([wrong, postgres()], {}, set))).toEqual([expect.stringContaining('unknown label davit.ordr')]);
  });
});

test('the sets of a stack', () => {
  const services = ['b', 'a', 'b'].map((set, index) => service(`s${index}`, { labels: { 'davit.set': set } }));
  expect(setsOf(stack(...services, service('none')))).toEqual(['a', 'b']);
});
