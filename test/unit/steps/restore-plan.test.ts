import { describe, expect, test } from 'vitest';
import type { Artifact } from '../../../src/model/snapshot.ts';
import type { Service } from '../../../src/steps/discover.ts';
import { planRestore, refuseBrokenSet, replacedBy } from '../../../src/steps/restore-plan.ts';
import { artifact, bind, filesArtifact, manifest, service, sqliteArtifact, stack, volume } from '../../support/builders.ts';

const files = filesArtifact('app', '/data');
const database = artifact({ database: 'shop' });
const accounts = artifact({ name: '@accounts', kind: 'accounts' });
const data = volume('shop_app', '/data');

const app = (overrides: Parameters<typeof service>[1] = {}) =>
  service('app', { labels: {}, mounts: [data], dependsOn: ['db'], ...overrides });
const db = (overrides: Parameters<typeof service>[1] = {}) => service('db', { labels: {}, ...overrides });

/** `more`: what else the snapshot holds. */
function planned(services: readonly Service[], artifacts: readonly Artifact[], { set = 'default', more = [] as readonly Artifact[] } = {}) {
  const snapshot = manifest({ set, artifacts: [...artifacts, ...more] });
  const { standstills, starting, ...rest } = planRestore(stack(...services), snapshot, artifacts);
  return { ...rest, stops: standstills.map((one) => one.service), starts: starting.map(({ name }) => name), standstills };
}

describe('what is restored', () => {
  test('files, then accounts before databases: owners must exist', () => {
    const { files: trees, databases } = planned([app(), db()], [database, files, accounts]);
    expect(trees).toEqual([files]);
    expect(databases).toEqual([accounts, database]);
  });

  test('a SQLite database is a file of its volume: whoever writes that stops', () => {
    const vault = sqliteArtifact('app', '/data/vault.db', { mount: { type: 'volume', source: 'shop_app', destination: '/data' } });
    const writer = service('writer', { mounts: [volume('shop_app', '/x')] });
    const { files: trees, databases, stops } = planned([app({ dependsOn: [] }), writer], [vault]);
    expect({ trees, databases, stops }).toEqual({ trees: [vault], databases: [], stops: ['app', 'writer'] });
  });

  test('who writes a folder of the host in a restored one stops', () => {
    const writers = ['/srv/data/uploads', '/srv/data2'].map((source) => service(source, { mounts: [bind(source, '/x')] }));
    expect(planned([app({ mounts: [bind('/srv/data', '/data')] }), ...writers], [files]).stops).toEqual(['/srv/data/uploads', 'app']);
  });

  test('a service or volume without a counterpart here is refused before anything is touched', () => {
    expect(() => planned([db()], [files])).toThrow(/service "app": is not in stack "shop"/);
    expect(() => planned([app({ mounts: [] }), db()], [files])).toThrow(/service "app": has no volume at \/data now/);
    expect(() => planned([app()], [database])).toThrow(/service "db": is not in stack "shop"/);
  });
});

describe('outputs of commands', () => {
  const output = artifact({ service: 'vendor', name: 'dump', kind: 'command', engine: 'command', extension: 'out' });
  const vendor = (labels: Record<string, string>, overrides: Parameters<typeof service>[1] = {}) =>
    service('vendor', { labels: { 'davit.command.dump': 'dump', ...labels }, ...overrides });
  const feeding = { 'davit.command.dump.restore': 'load' };

  test.each([feeding, { 'davit.command.dump.restore.put': '/in/restore.tar' }])('go back as the label of now says: %j', (labels) => {
    const found = planned([vendor(labels)], [output]);
    expect([found.commands, found.wayless, found.databases]).toEqual([[output], [], []]);
    expect(replacedBy({ ...found, standstills: [], starting: [] })).toEqual([output]);
  });

  test('without a way back are left alone, and so is their service', () => {
    const found = planned([vendor({}), db()], [output, database], { more: [files] });
    expect([found.commands, found.wayless]).toEqual([[], [output]]);
    expect(found.stops).toEqual([]);
  });

  test('are refused before anything is touched when their label is gone', () => {
    expect(() => planned([service('vendor', { labels: {} })], [output])).toThrow(
      /service "vendor": has no label davit\.command\.dump now.*davit cat/,
    );
    expect(() => planned([service('vendor')], [output])).toThrow(/has no label davit\.command\.dump now/);
    expect(() => planned([db()], [output])).toThrow(/service "vendor": is not in stack/);
  });

  test('by order, then by name', () => {
    const early = service('early', { labels: { 'davit.order': '-1', 'davit.command.dump': 'x', 'davit.command.dump.restore': 'x' } });
    const second = { ...output, service: 'early' };
    expect(planned([vendor(feeding), early], [output, second]).commands).toEqual([second, output]);
  });

  test('keep their service up, and stop what depends on it', () => {
    const web = service('web', { dependsOn: ['vendor'] });
    expect(planned([vendor(feeding), web], [output])).toMatchObject({ stops: ['web'], starts: ['web'] });
  });

  test('their service stands still while its files, or what it depends on, are replaced, and is started for the command', () => {
    const tree = filesArtifact('vendor', '/data');
    const mounts = [volume('shop_vendor', '/data')];
    const withFiles = planned([vendor(feeding, { mounts })], [output, tree]);
    expect(withFiles.stops).toEqual(['vendor']);
    expect(withFiles.commanded.map(({ name }) => name)).toEqual(['vendor']);
    expect(planned([vendor(feeding, { dependsOn: ['db'] }), db()], [output, database]).stops).toEqual(['vendor']);
  });

  test('their service is started when it never was, with what it needs, but not what somebody stopped', () => {
    const services = [
      vendor(feeding, { state: 'created', dependsOn: ['cache', 'stopped'] }),
      service('cache', { state: 'created' }),
      service('stopped', { state: 'exited' }),
    ];
    const found = planned(services, [output]);
    expect(found.commanded.map(({ name }) => name).toSorted()).toEqual(['cache', 'vendor']);
    expect(found.fresh).toBe(true);
  });
});

describe('what stops meanwhile', () => {
  test('the services that are restored and everything that depends on them, but no server that is restored', () => {
    const web = service('web', { dependsOn: ['app'] });
    const other = service('other', {});
    expect(planned([app(), db(), web, other], [database]).stops).toEqual(['app', 'web']);
    expect(planned([app(), db(), web, other], [files]).stops).toEqual(['db', 'app', 'web']);
  });

  test('every service of the set, and only of that, when all of it is restored', () => {
    const services = [service('a', { labels: { 'davit.set': 'one' } }), service('b', { labels: { 'davit.set': 'two' } })];
    const all = [db({ labels: { 'davit.set': 'one' } }), ...services];
    expect(planned(all, [database], { set: 'one' }).stops).toEqual(['a']);
    expect(planned(all, [database], { set: 'one', more: [files] }).stops).toEqual([]);
  });

  test('whoever writes a volume that is restored, also under another path, but not who only reads it', () => {
    const writer = service('writer', { mounts: [volume('shop_app', '/x')] });
    const reader = service('reader', { mounts: [volume('shop_app', '/x', false)] });
    expect(planned([app({ dependsOn: [] }), writer, reader], [files]).stops).toEqual(['app', 'writer']);
  });

  test('never Davit, even when it holds the volume', () => {
    const own = service('davit', { own: true, labels: {}, mounts: [data] });
    expect(planned([app(), db(), own], [files]).stops).not.toContain('davit');
  });

  test('the volume is the one that the service has now, not the one it had', () => {
    const renamed = app({ mounts: [volume('renamed', '/data')], dependsOn: [] });
    const writer = service('writer', { mounts: [volume('renamed', '/x')] });
    const old = service('old', { mounts: [volume('shop_app', '/x')] });
    expect(planned([renamed, writer, old], [files]).stops).toEqual(['app', 'writer']);
  });

  test.each([
    ['running', ['app']],
    ['paused', ['app']],
    ['restarting', ['app']],
    ['exited', []],
    ['created', []],
  ] as const)('what is %s: %j', (state, expected) => {
    expect(planned([app({ state }), db()], [database]).stops).toEqual(expected);
  });

  test('as long as its label allows', () => {
    expect(planned([app({ labels: { 'davit.quiesce.timeout': '5s' } }), db()], [database]).standstills).toEqual([
      { service: 'app', mode: 'stop', during: 'set', timeoutMs: 5_000, containers: ['shop-app-1'] },
    ]);
  });
});

describe('what starts afterwards', () => {
  test('what ran before', () => {
    expect(planned([app(), db()], [database]).starts).toEqual(['app']);
  });

  test('what was created and never started, with what it needs', () => {
    const cache = service('cache', { state: 'created' });
    const created = app({ state: 'created', dependsOn: ['db', 'cache'] });
    expect(planned([created, db({ state: 'created' }), cache], [database, files]).starts.toSorted()).toEqual(['app', 'cache', 'db']);
  });

  test('not what somebody had stopped', () => {
    expect(planned([app({ state: 'exited' }), db()], [database]).starts).toEqual([]);
  });

  test('not what has nothing to do with it', () => {
    const other = service('other', { state: 'created' });
    expect(planned([app(), db(), other], [database]).starts).toEqual(['app']);
  });
});

describe('a fresh stack', () => {
  test('is one where nothing that is restored has ever run', () => {
    expect(planned([app({ state: 'created' }), db({ state: 'created' })], [database, files]).fresh).toBe(true);
    expect(planned([app({ state: 'created' }), db({ state: 'exited' })], [database, files]).fresh).toBe(false);
    expect(planned([app(), db({ state: 'created' })], [database]).fresh).toBe(true);
  });
});

describe('a part of a set', () => {
  const whole = manifest({ set: 'shop', artifacts: [database, files] });

  test('is refused for a named set, unless it is wanted', () => {
    expect(() => refuseBrokenSet(whole, [files], false)).toThrow(/set "shop": 1 of its 2 artifacts would be restored.*--allow-partial/);
    expect(() => refuseBrokenSet(whole, [files], true)).not.toThrow();
    expect(() => refuseBrokenSet(whole, [database, files], false)).not.toThrow();
  });

  test('is fine for the default set, which is only a stack', () => {
    expect(() => refuseBrokenSet({ ...whole, set: 'default' }, [files], false)).not.toThrow();
  });
});
