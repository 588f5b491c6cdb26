import { describe, expect, test } from 'vitest';
import { discover } from '../../../src/steps/discover.ts';
import { plan } from '../../../src/steps/plan.ts';
import { planStandstills } from '../../../src/steps/quiesce.ts';
import { composeContainer, volume } from '../../support/builders.ts';
import { fakeContext, type FakeStack, ownContainer } from '../../support/fake-context.ts';
import { enabled, inventory, planned, postgres, problems, sources } from '../../support/planned.ts';
import { prelude } from '../../support/mongodump-archive.ts';

describe('databases', () => {
  test('every one is a source of its own, then the accounts; the volume of the server is none', async () => {
    const found = await planned([postgres()]);
    expect(sources(found)).toEqual(['accounts db/@roles', 'database db/shop', 'database db/stats']);
    expect(found.sources[1]).toMatchObject({ engine: 'postgres', server: '17.6', tool: 'pg_dump 17', details: { owner: 'app' } });
    expect(found.skipped).toContainEqual(expect.objectContaining({ service: 'db', what: '/var/lib/postgresql/data' }));
    expect(found.problems).toEqual([]);
  });

  test('/data is the own folder of a Redis only, and one without labels is left alone', async () => {
    const answer = () => ({ stdout: 'redis_version:7.0.15\nrole:master\n' });
    const data = (name: string) => ({ mounts: [volume(name, '/data')], labels: enabled });
    const cache = composeContainer('cache', { image: 'redis:7', ...data('cache') });
    const app = composeContainer('app', { env: { REDIS_HOST: 'cache', REDIS_PASSWORD: 'x' }, ...data('uploads') });
    const found = await planned([cache, app], { answer });
    expect(sources(found)).toEqual(['database cache/redis', 'files app/files/data']);
    expect(found.skipped).toContainEqual(expect.objectContaining({ service: 'cache', what: '/data' }));
    expect(sources(await planned([{ ...cache, labels: composeContainer('cache').labels }, app], { answer }))).toEqual([
      'files app/files/data',
    ]);
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

  test.each([
    ['password-env', 'NOPE', {}],
    ['password-file', '/run/secrets/nope', { exitCode: 1 }],
  ])('a password that is not where davit.dump.%s says is a problem', async (label, value, outcome) => {
    const found = await planned([postgres({ [`davit.dump.${label}`]: value })], {
      answer: (_, { argv }) => (argv[0] === 'test' ? outcome : { stdout: inventory }),
    });
    expect(problems(found)).toEqual([expect.stringMatching(new RegExp(`davit.dump.${label} names .*: ${value} — correct the label`))]);
    expect(sources(found)).toEqual([]);
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

  test('a server that is dumped and has to stand still is told that it will not', async () => {
    const { warnings } = await planned([postgres({ ...enabled, 'davit.quiesce': 'stop' })]);
    expect(warnings).toEqual([expect.stringMatching(/"db": davit\.quiesce=stop does nothing here: .* label what writes/)]);
  });

  test('of a service with several containers are those of the first, with a warning', async () => {
    const found = await planned([postgres(), postgres(enabled, { number: 2 })]);
    expect(sources(found)).toHaveLength(3);
    expect(found.warnings).toEqual([
      'service "db": only "shop-db-1" of its 2 containers is dumped: data that only another one holds are lost',
    ]);
  });

  test('an engine that is named is believed, and one that only runs is found', async () => {
    const labels = { 'davit.dump': 'postgres' };
    expect(sources(await planned([composeContainer('x', { labels })]))).toHaveLength(3);
    const running = await planned([composeContainer('x', { labels: enabled })], { processes: { 'shop-x-1': ['sh', 'postgres'] } });
    expect(sources(running)).toHaveLength(3);
  });
});

describe('a database server is not made to stand still', () => {
  const app = composeContainer('app', { labels: { 'davit.quiesce': 'stop' }, mounts: [volume('shared', '/x')] });
  const mounts = [volume('pg', '/var/lib/postgresql/data'), volume('shared', '/x')];
  async function still(labels: Record<string, string>, fake: Partial<FakeStack> = {}): Promise<string[]> {
    const context = fakeContext({ containers: [app, postgres(labels, { mounts })], answer: () => ({ stdout: inventory }), ...fake });
    const found = await discover(context);
    return planStandstills(found, await plan(context, found, 'default')).map(({ service: name }) => name);
  }

  test.each<[string, Record<string, string>, Partial<FakeStack>]>([
    ['that is dumped', enabled, {}],
    ['that did not answer', enabled, { answer: () => ({ exitCode: 1, stderr: 'no' }) }],
    ['that asks for it, and did not answer', { 'davit.quiesce': 'stop' }, { answer: () => ({ exitCode: 1, stderr: 'no' }) }],
    ['whose labels are wrong', { 'davit.ordr': '1' }, {}],
  ])('%s', async (_, labels, fake) => {
    expect(await still(labels, fake)).toEqual(['app']);
  });

  test('unless its files are archived instead', async () => {
    expect(await still({ 'davit.dump': 'none' })).toEqual(['app', 'db']);
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
    const found = await planned([
      composeContainer('web'),
      composeContainer('out', { labels: { 'davit.enable': 'false', 'davit.files': '/data' } }),
      composeContainer('app', { labels: { 'davit.set': 'other' } }),
      postgres(),
    ]);
    expect(found.skipped.filter(({ what }) => what === 'everything')).toEqual([
      { service: 'app', what: 'everything', why: 'it belongs to set "other"' },
      { service: 'out', what: 'everything', why: 'davit.enable=false' },
      { service: 'web', what: 'everything', why: 'it has no davit label' },
    ]);
  });

  test('a service with a wrong label is a problem of every set, or of the one that it names', async () => {
    const problemsOf = async (set: string, labels: Record<string, string>) =>
      problems(await planned([composeContainer('app', { labels }), postgres()], {}, set));
    const complaint = [expect.stringContaining('unknown label davit.ordr')];
    for (const set of ['default', 'other']) expect(await problemsOf(set, { 'davit.ordr': '1' })).toEqual(complaint);
    expect(await problemsOf('other', { 'davit.ordr': '1', 'davit.set': 'other' })).toEqual(complaint);
    expect(await problemsOf('default', { 'davit.ordr': '1', 'davit.set': 'other' })).toEqual([]);
    expect(await problemsOf('default', { 'davit.ordr': '1', 'davit.set': 'No Name' })).toHaveLength(2);
  });
});

test('a set is needed by another set of the stack, or the label is wrong', async () => {
  const labelled = { ...ownContainer, labels: { ...ownContainer.labels, 'davit.set.images.needed-by': 'default,defualt,images' } };
  const containers = [
    labelled,
    postgres(),
    composeContainer('app', { labels: { 'davit.set': 'images' }, mounts: [volume('i', '/images')] }),
  ];
  expect(problems(await planned(containers, {}, 'images'))).toEqual([
    'label davit.set.images.needed-by: names no other set of the stack: defualt — the others are default',
    'label davit.set.images.needed-by: names no other set of the stack: images — the others are default',
  ]);
  expect(problems(await planned(containers))).toEqual([]);
});
