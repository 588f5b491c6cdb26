import { describe, expect, test } from 'vitest';
import { duration, keep, list, share, words } from '../../../src/config/values.ts';

describe('durations', () => {
  test.each([
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['576h', 2_073_600_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(duration.parse(text)).toBe(milliseconds);
  });

  test.each(['', '5', 's', '5 m', '5d', '-5s', '1.5h', '5m30s', '5M', '1h\n'])('%j is none', (text) => {
    expect(duration.safeParse(text).error?.issues[0]?.message).toBe('expected a duration such as 30s, 5m or 1h');
  });

  // A timer of more than 31 bits fires at once.
  test.each(['577h', '34561m', '999999999s', '999999999h'])('%s is too long', (text) => {
    expect(duration.safeParse(text).error?.issues[0]?.message).toBe('expected at most 576h, which is 24 days');
  });
});

describe('words', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['  ', []],
    ['--a --b=c', ['--a', '--b=c']],
    ['--where="a = 1" x', ['--where=a = 1', 'x']],
    [`'it is "so"' "it's"`, ['it is "so"', "it's"]],
    [`a"b"'c'd`, ['abcd']],
    ['""', ['']],
    ['a\t\n b', ['a', 'b']],
    ['$HOME `id` \\n', ['$HOME', '`id`', '\\n']],
  ])('%j', (text, expected) => {
    expect(words.parse(text)).toEqual(expected);
  });

  test.each([`it's`, '"', `'a" b`, `"a" 'b`, `--x="a 'b'`])('%j has an open quote', (text) => {
    expect(words.safeParse(text).error?.issues[0]?.message).toBe('a quote is not closed');
  });
});

test('lists are split at commas, blanks and empty entries do not count', () => {
  expect(list.parse(' a ,b c,, d,')).toEqual(['a', 'b c', 'd']);
  expect(list.parse('')).toEqual([]);
});

describe('keep', () => {
  test('counts per rule', () => {
    expect(keep.parse(' last=3, daily = 7,yearly=0')).toEqual({ last: 3, daily: 7, yearly: 0 });
  });

  test.each(['', 'last', 'last=', 'last=-1', 'last=1.5', 'hourly=1', 'last=1,last=2', 'last=1,', 'last=1 daily=2', 'toString=1'])(
    '%j is none',
    (text) => {
      expect(keep.safeParse(text).error?.issues[0]?.message).toMatch(/^expected last=, daily=/);
    },
  );
});

describe('shares', () => {
  test.each([
    ['10%', { percent: 10 }],
    ['2.5%', { percent: 2.5 }],
    ['100%', { percent: 100 }],
    ['1/5', { part: 1, of: 5 }],
    ['256/256', { part: 256, of: 256 }],
  ])('%s is one', (text, expected) => {
    expect(share.parse(text)).toEqual(expected);
  });

  test.each(['', '10', '0%', '101%', '-1%', '0/5', '6/5', '1/257', '1/', 'latest', '500M'])('%j is none', (text) => {
    expect(share.safeParse(text).error?.issues[0]?.message).toBe('expected a share such as 10% or 1/5, with at most 256 parts');
  });
});
