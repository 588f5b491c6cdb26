import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  isGood,
  keySegment,
  manifestSchema,
  newestFirst,
  parseManifest,
  snapshotId,
  snapshotIdPattern,
} from '../../../src/model/snapshot.ts';
import { artifact, manifest } from '../../support/builders.ts';
import { createRandom } from '../../support/random.ts';

describe('a name as a key segment', () => {
  test.each([
    ['shop', 'shop'],
    ['@accounts', '@accounts'],
    ['my_db-1.2~x', 'my_db-1.2~x'],
    ['.hidden', '.hidden'],
    ['..', '%2E%2E'],
    ['.', '%2E'],
    ['...', '%2E%2E%2E'],
    ['../../etc/passwd', '..%2F..%2Fetc%2Fpasswd'],
    ['a\\b', 'a%5Cb'],
    ['ü 😀', '%C3%BC%20%F0%9F%98%80'],
    ['50%', '50%25'],
    ['%2E%2E', '%252E%252E'],
    ["!'()*", '%21%27%28%29%2A'],
    ['a\0b\nc', 'a%00b%0Ac'],
    ['a:b?c#d&e=f+g', 'a%3Ab%3Fc%23d%26e%3Df%2Bg'],
  ])('%j is %j', (name, expected) => {
    expect(keySegment(name)).toBe(expected);
  });

  test('one that is too long for a file name ends in a hash, and is still its own', () => {
    const name = '\u6f22'.repeat(64);
    expect(keySegment(name)).toMatch(/^(%E6%BC%A2){20}%E6~[0-9a-f]{16}$/);
    expect(keySegment(`${name}x`)).not.toBe(keySegment(name));
    expect(keySegment('x'.repeat(200))).toBe('x'.repeat(200));
  });

  test('whatever the name: one segment, portable, never out of its folder, and the name can be read back', () => {
    const random = createRandom(1);
    const parts = ['.', '..', '/', '\\', '%', '%2e', '%2F', ' ', '~', '@', '*', 'ü', '😀', '\0', '\n', 'a', 'B', '7', '-', '_'];
    const seen = new Map<string, string>();
    for (let round = 0; round < 5_000; round += 1) {
      const name = Array.from({ length: 1 + random.below(6) }, () => random.pick(parts)).join('');
      const segment = keySegment(name);
      expect(segment).toMatch(/^[A-Za-z0-9._~@%-]+$/);
      expect(join('/storage/shop', segment, 'x')).toBe(`/storage/shop/${segment}/x`);
      expect(decodeURIComponent(segment)).toBe(name);
      expect(seen.get(segment) ?? name).toBe(name);
      seen.set(segment, name);
    }
  });
});

describe('snapshot ids', () => {
  test('are the moment in UTC and the suffix', () => {
    expect(snapshotId(new Date('2026-11-21T03:04:05.678Z'), '3f9a1c')).toBe('20261121T030405Z-3f9a1c');
    expect(snapshotId(new Date('2026-11-21T01:00:00+02:00'), '3f9a1c')).toBe('20261120T230000Z-3f9a1c');
  });

  test('sort like their moments and fit the pattern', () => {
    const moments = ['2026-02-01T00:00:00Z', '2026-10-01T00:00:00Z', '2026-10-01T00:00:01Z', '2027-01-01T00:00:00Z'];
    const ids = moments.map((moment) => snapshotId(new Date(moment), 'ffffff'));
    expect(ids.toReversed().toSorted()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(snapshotIdPattern);
  });

  test.each([
    '20261121T030405Z',
    '20261121T030405Z-3F9A1C',
    '../20261121T030405Z-3f9a1c',
    '20261121T030405Z-3f9a1c/x',
    '20261121T030405Z-3f9a1c\n',
  ])('%j is none', (text) => {
    expect(text).not.toMatch(snapshotIdPattern);
  });
});

test('newest is the highest sequence, whatever the clock said', () => {
  const early = manifest({ sequence: 1, startedAt: '2030-01-01T00:00:00.000Z' });
  const late = manifest({ sequence: 2, startedAt: '2026-01-01T00:00:00.000Z' });
  const later = manifest({ sequence: 2, startedAt: '2026-01-02T00:00:00.000Z' });
  expect([early, late, later].toSorted(newestFirst)).toEqual([later, late, early]);
});

test('only a complete backup is good', () => {
  expect(isGood(manifest())).toBe(true);
  expect(isGood(manifest({ status: 'incomplete' }))).toBe(false);
  expect(isGood(manifest({ reason: 'safety' }))).toBe(false);
});

describe('the manifest schema', () => {
  test('keeps what is written', () => {
    const written = manifest({ artifacts: [artifact({ tables: [{ name: 'a', rows: 0 }, { name: 'view' }], details: { owner: 'o' } })] });
    expect(manifestSchema.parse(JSON.parse(JSON.stringify(written)))).toEqual(written);
  });

  test.each<[string, object]>([
    ['another version', { version: 2 }],
    ['an unknown status', { status: 'fine' }],
    ['a negative sequence', { sequence: -1 }],
    ['a hash that is none', { artifacts: [artifact({ plain: { bytes: 1, sha256: 'abc' } })] }],
    ['a size that is none', { artifacts: [artifact({ stored: { bytes: -1, sha256: 'a'.repeat(64) } })] }],
    ['no failures', { failures: undefined }],
  ])('refuses %s', (_, change) => {
    expect(manifestSchema.safeParse({ ...manifest(), ...change }).success).toBe(false);
  });
});

test('a manifest of a newer Davit is told from one that is damaged; what is added to one is passed over', () => {
  expect(parseManifest({ ...manifest(), version: 2 })).toBe('is of version 2: use a newer Davit');
  expect(parseManifest({ ...manifest(), id: undefined })).toMatch(/expected string.*id/);
  expect(parseManifest('nonsense')).toMatch(/expected object/);
  expect(parseManifest({ ...manifest(), added: true })).toEqual(manifest());
});
