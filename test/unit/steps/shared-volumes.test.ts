import { describe, expect, test } from 'vitest';
import type { Mount } from '../../../src/docker/docker.ts';
import type { Service } from '../../../src/steps/discover.ts';
import { planTrees } from '../../../src/steps/trees.ts';
import { composeContainer, service, volume } from '../../support/builders.ts';

function trees(services: readonly Service[]) {
  const { sources, problems, warnings } = planTrees(services, { dumped: new Set(), dataOf: new Map() }, new Set());
  return {
    sources,
    taken: sources.map(({ service: name, path, mount }) => `${name} ${path} of ${mount.source}`),
    problems: problems.map(({ error }) => error.message),
    warnings,
  };
}

const app = (mounts: readonly Mount[], labels: Record<string, string>, name: string) => service(name, { mounts, labels });

describe('a volume of several services with globs', () => {
  const shared = (first: Record<string, string>, second: Record<string, string>) => {
    const globs = (labels: Record<string, string>) =>
      Object.fromEntries(Object.entries(labels).map(([key, value]) => [`davit.files.${key}`, value]));
    const { sources, warnings } = trees([
      app([volume('v', '/data')], globs(first), 'a'),
      app([volume('v', '/srv'), volume('w', '/w')], globs(second), 'b'),
    ]);
    return { include: sources[0]?.include, exclude: sources[0]?.exclude, warnings };
  };

  test('leaves out what all of them leave out, each under its own path', () => {
    const exclude = '/data/cache/**,/**/*.tmp';
    expect(shared({ exclude }, { exclude: '/**/*.tmp,/srv/cache/**' })).toEqual({ include: [], exclude: exclude.split(','), warnings: [] });
    expect(shared({ include: '/data/a/**' }, { include: '/srv/a/**' })).toMatchObject({ include: ['/data/a/**'], warnings: [] });
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['the first leaves something out', { exclude: '/data/cache/**' }, {}],
    ['the second leaves something out', {}, { exclude: '/srv/cache/**' }],
    ['they leave out different things', { exclude: '/data/a' }, { exclude: '/srv/b' }],
    ['the same glob means another place', { exclude: '/data/**' }, { exclude: '/data/**' }],
    ['they want different things', { include: '/data/a' }, { include: '/srv/b' }],
    ['one wants nothing of it', { include: '/data/a' }, { include: '/w/**' }],
  ])('is archived whole, with a warning, when %s', (_, first, second) => {
    const said = expect.stringMatching(/^service "b": \/srv is the same volume as \/data of "a", and .* differ: all of it is archived — /);
    expect(shared(first, second)).toEqual({ include: [], exclude: [], warnings: expect.arrayContaining([said]) });
  });
});

describe('a service of several containers', () => {
  const replicas = (...mounts: Mount[]) => mounts.map((mount, index) => composeContainer('app', { number: index + 1, mounts: [mount] }));

  test('that share a volume is one tree', () => {
    const shared = service('app', { labels: {}, replicas: replicas(volume('v', '/data'), volume('v', '/data')) });
    expect(trees([shared])).toMatchObject({ taken: ['app /data of v'], problems: [] });
  });

  test('with volumes of their own is a problem: only the first is archived', () => {
    const separate = replicas(volume('4f', '/data'), volume('5e', '/data'), volume('6d', '/data'));
    expect(trees([service('app', { labels: {}, replicas: separate })])).toMatchObject({
      taken: ['app /data of 4f'],
      problems: [
        expect.stringMatching(
          /each of its containers has a volume of its own at \/data, and only that of "shop-app-1" .*: shop-app-2, shop-app-3 — /,
        ),
      ],
    });
    expect(trees([service('app', { labels: { 'davit.files': 'none' }, replicas: separate })]).problems).toEqual([]);
  });
});
