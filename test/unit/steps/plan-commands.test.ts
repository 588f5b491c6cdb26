import { describe, expect, test } from 'vitest';
import { composeContainer, volume } from '../../support/builders.ts';
import { planned, postgres, problems, sources } from '../../support/planned.ts';

describe('commands', () => {
  const vendor = (labels: Record<string, string>, overrides: Parameters<typeof composeContainer>[1] = {}) =>
    composeContainer('vendor', { labels, ...overrides });

  test('are planned with their words, where the file is collected, and whether they have a way back', async () => {
    const labels = {
      'davit.command.a': 'dump --all',
      'davit.command.b': 'backup',
      'davit.command.b.collect': '/b/day_*.tar.gz',
      'davit.command.b.restore.put': '/b/restore.tar.gz',
    };
    const found = await planned([vendor(labels)]);
    expect(found.sources).toEqual([
      expect.objectContaining({
        kind: 'command',
        service: 'vendor',
        name: 'a',
        command: 'dump --all',
        extension: 'out',
        restorable: false,
      }),
      expect.objectContaining({ name: 'b', command: 'backup', collect: '/b/day_*.tar.gz', extension: 'tar.gz', restorable: true }),
    ]);
    expect(found.problems).toEqual([]);
  });

  test.each(['exited', 'paused', 'created'] as const)('in a container that is %s is a problem', async (state) => {
    const found = await planned([vendor({ 'davit.command.a': 'dump' }, { state })]);
    expect(found.sources).toEqual([]);
    expect(found.problems).toEqual([expect.objectContaining({ service: 'vendor', absent: state === 'created' })]);
    expect(problems(found)).toEqual([expect.stringMatching(new RegExp(`davit\\.command\\.a cannot run: the container is ${state}`))]);
  });

  test('may not have the name of a database of the same service', async () => {
    const found = await planned([postgres({ 'davit.command.shop': 'dump' })]);
    expect(problems(found)).toEqual([expect.stringContaining('davit.command.shop has the name of one of its databases')]);
  });

  test('stand for the engine where that is switched off: the files of the server are not archived, nor warned about', async () => {
    const found = await planned([postgres({ 'davit.dump': 'none', 'davit.command.all': 'pg_dumpall' })]);
    expect(sources(found)).toEqual(['command db/all']);
    expect(found.skipped).toContainEqual(expect.objectContaining({ service: 'db', what: '/var/lib/postgresql/data' }));
    expect(found.warnings).toEqual([]);
  });

  test('of a service without a database leave its files as they are planned', async () => {
    const found = await planned([vendor({ 'davit.command.a': 'dump' }, { mounts: [volume('v', '/data')] })]);
    expect(sources(found)).toEqual(['command vendor/a', 'files vendor/files/data']);
  });
});
