import { describe, expect, test } from 'vitest';
import { snapshotId } from '../../../src/model/snapshot.ts';
import type { Artifact, Manifest } from '../../../src/model/snapshot.ts';
import { chooseArtifacts, pick, type Wanted } from '../../../src/steps/find.ts';
import { artifact, artifactsOfShop, filesArtifact, manifest, sqliteArtifact } from '../../support/builders.ts';

const at = (sequence: number, day: string, overrides: Partial<Manifest> = {}): Manifest =>
  manifest({
    sequence,
    startedAt: `${day}T03:00:00.000Z`,
    id: snapshotId(new Date(`${day}T03:00:00Z`), sequence.toString(16).padStart(6, '0')),
    ...overrides,
  });

const [monday, tuesday, wednesday] = [at(1, '2026-11-16'), at(2, '2026-11-17'), at(3, '2026-11-18')];
const incomplete = at(4, '2026-11-19', { status: 'incomplete' });
const safety = at(5, '2026-11-20', { reason: 'safety' });
const all = [safety, incomplete, wednesday, tuesday, monday];

const find = (snapshot: string, rest: Partial<Wanted> = {}, from: readonly Manifest[] = all): Manifest =>
  pick(from, { snapshot, stack: 'shop', ...rest }, 's3://bucket');

describe('latest', () => {
  test('is the newest complete backup, in whatever order they are listed', () => {
    expect(find('latest')).toBe(wednesday);
    expect(find('latest', {}, all.toReversed())).toBe(wednesday);
  });

  test('is the highest sequence, not the latest clock', () => {
    const fromTheFuture = at(2, '2030-01-01');
    expect(find('latest', {}, [fromTheFuture, wednesday])).toBe(wednesday);
  });

  test.each([
    ['2026-11-17T03:00:00Z', tuesday],
    ['2026-11-18T02:59:59Z', tuesday],
    ['2026-11-17T05:00:00+02:00', tuesday],
    ['2026-11-17T04:59:59+02:00', monday],
    ['2030-01-01T00:00:00Z', wednesday],
  ])('at %s is the newest complete one until then', (moment, expected) => {
    expect(find('latest', { at: moment })).toBe(expected);
  });

  test('at a time before the first, or that is none', () => {
    expect(() => find('latest', { at: '2026-11-15T00:00:00Z' })).toThrow(
      /has no complete snapshot at or before 2026-11-15T00:00:00.000Z: 5 others in s3:\/\/bucket/,
    );
    for (const at of ['yesterday', '1', '11/12/2026', '12.11.2026', '2026-13-01', '2026-11', '2026-11-31', '2026-11-31T03:00Z'])
      expect(() => find('latest', { at })).toThrow(`--at: expected a time such as 2026-11-21T03:00:00Z: ${at} — write`);
  });

  test('at a day alone is its first moment, in the zone of TZ as a time without a zone is', () => {
    const since = (hours: number): Manifest =>
      manifest({ startedAt: new Date(new Date(2026, 10, 17).getTime() + hours * 3_600_000).toISOString() });
    const [midnight, later] = [since(0), since(0.001)];
    expect(find('latest', { at: '2026-11-17' }, [midnight, later])).toBe(midnight);
  });

  test('a time does not go with an id', () => {
    expect(() => find(monday.id, { at: '2026-11-18T00:00:00Z' })).toThrow(/--at: goes with latest, not with an id/);
  });

  test('with several sets has to be told which', () => {
    const other = at(9, '2026-11-18', { set: 'stats' });
    expect(() => find('latest', {}, [wednesday, other])).toThrow(
      /stack "shop": has several sets: default, stats — say which one with --set/,
    );
    expect(find('latest', {}, [wednesday, { ...other, status: 'incomplete' }])).toBe(wednesday);
  });

  test('where there is none, what to do depends on what there is', () => {
    expect(() => find('latest', {}, [incomplete])).toThrow(/shows them; incomplete ones can be restored by id/);
    expect(() => find('latest', { set: 'stats' }, [])).toThrow(
      /stack "shop", set "stats": has no complete snapshot: 0 others .* --from-stack/,
    );
  });
});

describe('by id', () => {
  test.each([incomplete, safety, monday])('every snapshot is found, $status and $reason', (one) => {
    expect(find(one.id)).toBe(one);
  });

  test('the beginning is enough when it is long and fits one', () => {
    expect(find('20261116')).toBe(monday);
    expect(() => find('2026111')).toThrow(/has no snapshot 2026111/);
    expect(() => find('20261117', {}, [tuesday, at(7, '2026-11-17')])).toThrow(/20261117 fits 2 snapshots/);
  });

  test('what is not there is a mistake of the person', () => {
    expect(() => find('20200101T000000Z-000000')).toThrow(expect.objectContaining({ exitCode: 2 }));
    expect(() => find('')).toThrow(/has no snapshot/);
  });
});

describe('parts of a snapshot', () => {
  const snapshot = manifest({ artifacts: artifactsOfShop() });
  const chosen = (part: Parameters<typeof chooseArtifacts>[1]) =>
    chooseArtifacts(snapshot, part).map(({ service, name }) => `${service}/${name}`);

  test('everything', () => {
    expect(chosen({})).toEqual(['db/@accounts', 'db/shop', 'db/stats', 'app/files/data', 'app/files/data/inner', 'web/files/data']);
  });

  test.each<[Parameters<typeof chooseArtifacts>[1], string[]]>([
    [{ service: 'app' }, ['app/files/data', 'app/files/data/inner']],
    [{ only: 'db/shop' }, ['db/shop']],
    [{ only: 'app/files/data' }, ['app/files/data']],
    [{ only: 'app/data/inner' }, ['app/files/data/inner']],
    [{ service: 'app', path: '/data' }, ['app/files/data', 'app/files/data/inner']],
    [{ service: 'app', path: '/' }, ['app/files/data', 'app/files/data/inner']],
    [{ service: 'app', path: '/data/x/y' }, ['app/files/data']],
    [{ service: 'app', path: '/data/inner/x' }, ['app/files/data/inner']],
    [{ path: '/data/inner/x', service: 'app', only: 'app/files/data' }, ['app/files/data']],
    [{ service: 'web', path: '/data/inner' }, ['web/files/data']],
    [{ service: 'app', path: '/data/' }, ['app/files/data', 'app/files/data/inner']],
    [{ service: 'app', path: '/data//inner/' }, ['app/files/data/inner']],
  ])('%j', (part, expected) => {
    expect(chosen(part)).toEqual(expected);
  });

  test.each<Parameters<typeof chooseArtifacts>[1]>([
    { service: 'ap' },
    { only: 'shop' },
    { only: 'db/sho' },
    { service: 'app', only: 'db/shop' },
    { service: 'db', path: '/var/lib' },
    { service: 'app', path: '/data2' },
    { service: 'app', path: '/data/../etc' },
    { service: 'app', path: 'data' },
  ])('%j is in none, and what there is gets told', (part) => {
    expect(() => chosen(part)).toThrow(/snapshot \S+: has nothing of that name: .* — it has db\/@accounts, db\/shop/);
  });

  test('a path in trees of several services has to be told apart', () => {
    expect(() => chosen({ path: '/data/x' })).toThrow(/--path: lies in trees of several services: app\/files\/data, web\/files\/data/);
    expect(chosen({ path: '/data/inner/x' })).toEqual(['app/files/data/inner']);
  });

  test('an artifact of a database may be called like a path', () => {
    const odd = manifest({ artifacts: [artifact({ name: 'files/data' }), filesArtifact('db', '/x')] });
    expect(chooseArtifacts(odd, { only: 'db/files/data' })).toEqual([odd.artifacts[0]]);
  });
});

describe('SQLite databases', () => {
  const paths = ['/data/a.db', '/data/sub/b.db', '/data/inner/c.db'];
  const artifacts = [...artifactsOfShop(), ...paths.map((path) => sqliteArtifact('app', path)), sqliteArtifact('web', '/data/a.db')];
  const chosen = (part: Parameters<typeof chooseArtifacts>[1], from: readonly Artifact[] = artifacts) =>
    chooseArtifacts(manifest({ artifacts: [...from] }), part).map(({ service, name }) => `${service}/${name}`);

  test.each<[string, Parameters<typeof chooseArtifacts>[1], string[]]>([
    ['alone by its name', { only: 'app/sqlite/data/a.db' }, ['app/sqlite/data/a.db']],
    ['alone by its container path', { only: 'app/data/a.db' }, ['app/sqlite/data/a.db']],
    ['alone as a path', { service: 'app', path: '/data/sub/../sub/b.db' }, ['app/sqlite/data/sub/b.db']],
    ['come with their tree', { only: 'app/data' }, ['app/files/data', 'app/sqlite/data/a.db', 'app/sqlite/data/sub/b.db']],
    ['come with the tree that they really lie in', { only: 'app/data/inner' }, ['app/files/data/inner', 'app/sqlite/data/inner/c.db']],
    ['come with their folder', { service: 'app', path: '/data/sub' }, ['app/files/data', 'app/sqlite/data/sub/b.db']],
    ['come with a folder that ends in a slash', { service: 'app', path: '/data/sub/' }, ['app/files/data', 'app/sqlite/data/sub/b.db']],
    ['stay away from another folder', { service: 'app', path: '/data/su' }, ['app/files/data']],
  ])('%s', (_, part, expected) => {
    expect(chosen(part)).toEqual(expected);
  });

  test('of several services have to be told apart', () => {
    expect(() => chosen({ path: '/data/a.db' })).toThrow(
      /lies in trees of several services: app\/sqlite\/data\/a.db, web\/sqlite\/data\/a.db/,
    );
  });

  test('are found where their tree failed', () => {
    const without = artifacts.filter(({ kind }) => kind === 'sqlite');
    expect(chosen({ service: 'app', path: '/data/sub' }, without)).toEqual(['app/sqlite/data/sub/b.db']);
  });
});
