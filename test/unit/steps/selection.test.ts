import { describe, expect, test } from 'vitest';
import { globBelow } from '../../../src/steps/places.ts';
import { createSelection, type Globs, isKeptFromAbove } from '../../../src/steps/selection.ts';

/** The files of a tree that a selection keeps, decided from the top down as the walk over a disk does it. */
function select(paths: readonly string[], globs: Partial<Globs>, tree = '/data'): string[] {
  const decide = createSelection({ include: [], exclude: [], ...globs });
  return paths.filter((file) => {
    let kept = isKeptFromAbove(tree, decide);
    const below = file
      .slice(tree === '/' ? 0 : tree.length)
      .split('/')
      .slice(1);
    for (let depth = 1; depth <= below.length; depth += 1) {
      const path = `${tree === '/' ? '' : tree}/${below.slice(0, depth).join('/')}`;
      const result = decide(path, depth < below.length, kept);
      if (result.decision !== 'enter') return result.decision === 'keep';
      kept = result.kept;
    }
    throw new Error(`a file cannot be entered: ${file}`);
  });
}

const files = [
  '/data/a.txt',
  '/data/.env',
  '/data/cache/x.tmp',
  '/data/cache/deep/.y.tmp',
  '/data/cached/z.txt',
  '/data/conf/app.conf',
  '/data/conf/d/extra.conf',
];
const without = (...left: string[]): string[] => files.filter((file) => !left.includes(file));

test('without globs everything is kept, hidden files too', () => {
  expect(select(files, {})).toEqual(files);
});

describe('exclude', () => {
  test.each<[string[], string[]]>([
    [['/data/cache'], without('/data/cache/x.tmp', '/data/cache/deep/.y.tmp')],
    [['/data/cache/**'], without('/data/cache/x.tmp', '/data/cache/deep/.y.tmp')],
    [['/data/cache/*'], without('/data/cache/x.tmp', '/data/cache/deep/.y.tmp')],
    [['/data/cache/*.tmp'], without('/data/cache/x.tmp')],
    [['/data/**/*.tmp'], without('/data/cache/x.tmp', '/data/cache/deep/.y.tmp')],
    [['/**/*.conf'], without('/data/conf/app.conf', '/data/conf/d/extra.conf')],
    [['/data/*'], []],
    [['/data/.*'], without('/data/.env')],
    [['/other/**'], files],
    [['/data/cache/deep', '/data/a.txt'], without('/data/cache/deep/.y.tmp', '/data/a.txt')],
  ])('%j', (exclude, expected) => {
    expect(select(files, { exclude })).toEqual(expected);
  });

  test('`/**` leaves the folder itself, the bare name does not', () => {
    const decide = (glob: string) => createSelection({ include: [], exclude: [glob] })('/data/cache', true, false).decision;
    expect(decide('/data/cache/**')).toBe('enter');
    expect(decide('/data/cache')).toBe('leave');
  });
});

describe('include', () => {
  test.each<[string[], string[]]>([
    [['/data/conf'], ['/data/conf/app.conf', '/data/conf/d/extra.conf']],
    [['/data/conf/**'], ['/data/conf/app.conf', '/data/conf/d/extra.conf']],
    [['/data/conf/*.conf'], ['/data/conf/app.conf']],
    [['/data/**/*.conf'], ['/data/conf/app.conf', '/data/conf/d/extra.conf']],
    [['/**/*.conf'], ['/data/conf/app.conf', '/data/conf/d/extra.conf']],
    [['/data/conf/d/extra.conf'], ['/data/conf/d/extra.conf']],
    [['/data'], files],
    [['/'], files],
    [
      ['/data/a.txt', '/data/.env'],
      ['/data/a.txt', '/data/.env'],
    ],
    [['/dat'], []],
  ])('%j', (include, expected) => {
    expect(select(files, { include })).toEqual(expected);
  });

  test('a tree that lies in an included folder is kept', () => {
    expect(select(['/data/conf/d/extra.conf'], { include: ['/data/conf'] }, '/data/conf/d')).toEqual(['/data/conf/d/extra.conf']);
    expect(select(['/data/conf/d/extra.conf'], { include: ['/data/cache'] }, '/data/conf/d')).toEqual([]);
  });

  test('folders that lead nowhere are not entered', () => {
    const decide = createSelection({ include: ['/data/conf/d/*.conf'], exclude: [] });
    expect(['/data/conf', '/data/conf/d', '/data/cache', '/data/con'].map((path) => decide(path, true, false).decision)).toEqual([
      'enter',
      'enter',
      'leave',
      'leave',
    ]);
  });
});

test('exclude wins over include', () => {
  expect(select(files, { include: ['/data/conf'], exclude: ['/data/conf/d'] })).toEqual(['/data/conf/app.conf']);
  expect(select(files, { include: ['/data/conf/d'], exclude: ['/data/conf'] })).toEqual([]);
});

test.each(['photos (old)', 'a (1) (2)', 'wow!(x)', 'c++', '[2026] x', '$x', "it's", 'a|b', 'ü 船', '@eaDir', '#recycle', 'a(b', 'x)'])(
  'the name of a folder stands for itself: %s',
  (name) => {
    const odd = [`/data/${name}/deep/file`, '/data/other'];
    expect(select(odd, { exclude: [`/data/${name}/**`] })).toEqual(['/data/other']);
    expect(select(odd, { exclude: [`/data/*/deep/**`] })).toEqual(['/data/other']);
    expect(select(odd, { include: [`/data/${name}`] })).toEqual([`/data/${name}/deep/file`]);
    expect(select(odd, { include: [`/data/${name}/*/file`] })).toEqual([`/data/${name}/deep/file`]);
    expect(select(odd, { include: [globBelow(`/data/${name}`)] })).toEqual([`/data/${name}/deep/file`]);
  },
);

test('a tree at the root', () => {
  expect(select(files, { exclude: ['/data/cache'] }, '/')).toEqual(without('/data/cache/x.tmp', '/data/cache/deep/.y.tmp'));
});
