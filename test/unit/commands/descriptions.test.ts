import { describe, expect, test } from 'vitest';
import { describePlan, plainPlan } from '../../../src/commands/plan.ts';
import { describeVerdicts } from '../../../src/commands/prune.ts';
import { describeCompanion, describeList, describeSnapshot, humanBytes } from '../../../src/commands/snapshots.ts';
import { configurationError } from '../../../src/model/errors.ts';
import { artifact, artifactsOfShop, commandSource, databaseSource, filesSource, manifest, plan, volume } from '../../support/builders.ts';

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 3 - 1, '1024.0 MiB'],
  [1024 ** 3, '1.0 GiB'],
  [5 * 1024 ** 5, '5120.0 TiB'],
])('%d bytes read %s', (bytes, expected) => {
  expect(humanBytes(bytes)).toBe(expected);
});

const nothingElse = { standstills: [], hooks: [] };

describe('a plan', () => {
  const files = { ...filesSource('app', volume('shop_files', '/data')), exclude: ['/data/cache/**'] };
  const planned = {
    ...plan({ ...databaseSource('db', 'shop'), command: 'sh -c export A\nexec pg_dump' }, files),
    standstills: [{ service: 'app', mode: 'stop', during: 'set' }],
    hooks: [{ phase: 'after', service: 'app', command: 'occ maintenance:mode --off' }],
    skipped: [{ service: 'web', what: 'everything', why: 'it has no davit label' }],
    warnings: ['mind the gap'],
    problems: [{ service: 'x', error: configurationError({ where: 'service "x"', what: 'is wrong' }) }],
  } satisfies Parameters<typeof describePlan>[0];
  const text = describePlan(planned);

  test('tells programs the sentences that a person reads', () => {
    expect(JSON.parse(JSON.stringify(plainPlan(planned)))).toMatchObject({
      stack: 'shop',
      sources: [{ service: 'db' }, { service: 'app' }],
      problems: [{ service: 'x', error: 'service "x": is wrong' }],
    });
  });

  test('shows what is captured, by which command, what is not and why, and what is wrong', () => {
    for (const part of [
      'stack shop, set default',
      '+ db/shop',
      '$ sh -c export A',
      '$ exec pg_dump',
      '+ app/files/data',
      'files of volume shop_files, without /data/cache/**',
      'SQLite databases in it as safe copies',
      '~ stops app until everything is captured',
      '~ after: app runs occ maintenance:mode --off',
      '- web: everything — it has no davit label',
      '! mind the gap',
      'x service "x": is wrong',
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('nothing would be captured');
  });

  test('shows the command as the label has it, what it collects, and that it has no way back', () => {
    const command = { ...commandSource('vendor', 'cd /b\nbackup'), collect: '/b/*.tar.gz' };
    const described = describePlan({ ...nothingElse, ...plan(command, { ...command, name: 'other', restorable: false }) });
    expect(described).toContain('  + vendor/dump\n      command, collects /b/*.tar.gz\n      $ cd /b\n      $ backup\n  + vendor/other');
    expect(described.match(/a restore leaves it alone/g)).toHaveLength(1);
  });

  test('of nothing says what to do', () => {
    expect(describePlan({ ...nothingElse, ...plan() })).toMatch(/nothing would be captured: add the label davit\.enable=true/);
  });
});

describe('snapshots', () => {
  test('in a list: one a line under a head, with what is not good about it', () => {
    const lines = describeList([manifest({ status: 'incomplete' }), manifest({ reason: 'safety', artifacts: artifactsOfShop() })]).split(
      '\n',
    );
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^20261121T030000Z-3f9a1c {2}default {2}incomplete +1 +10 B +2026-11-21T03:00:00\.000Z$/);
    expect(lines[2]).toMatch(/complete \(safety\) {2}6 +60 B/);
    expect(describeList([])).toBe('no snapshots yet');
  });

  test('of another set: what else to restore', () => {
    expect(describeCompanion(manifest({ set: 'images' }))).toBe(
      'of set images, 20261121T030000Z-3f9a1c of 2026-11-21T03:00:00.000Z belongs to it: davit restore 20261121T030000Z-3f9a1c',
    );
    expect(describeCompanion(manifest(), 'old')).toMatch(/davit restore \S+ --from-stack old$/);
  });

  test('what one database alone has nothing of is not told', () => {
    const one = artifact({ tables: [{ name: 'a' }] });
    expect(describeSnapshot(manifest({ artifacts: [one] }))).toMatch(/\ndowntime: none\n[^]* 1 table$/);
    expect(describeSnapshot(manifest({ artifacts: [one, artifact({ name: 'b' })] }))).toContain(
      'databases and commands began within 0 ms of each other; ',
    );
  });

  test('alone: every artifact, downtime, warnings and failures', () => {
    const text = describeSnapshot(
      manifest({
        artifacts: [artifact({ tables: [{ name: 'a' }, { name: 'b' }], server: '17.6' })],
        downtimeMs: { app: 1200 },
        warnings: ['mind the gap'],
        failures: [
          { service: 'x', error: 'is gone' },
          { service: 'y', source: 'z', error: 'is broken' },
        ],
        status: 'incomplete',
      }),
    );
    for (const part of [
      'incomplete',
      'db/shop',
      '2 tables',
      '17.6',
      'downtime: app 1200 ms',
      '! mind the gap',
      'x x: is gone',
      'x y/z: is broken',
    ])
      expect(text).toContain(part);
  });
});

test('what retention would do and what it did', () => {
  const verdicts = [
    { manifest: manifest({ id: 'new' }), reasons: ['last', 'daily 2026-11-21'] },
    { manifest: manifest({ id: 'old' }), reasons: [] },
  ];
  expect(describeVerdicts(verdicts, true)).toMatch(/^keep +new .*last, daily 2026-11-21\nwould remove old/);
  expect(describeVerdicts(verdicts, false)).toMatch(/\nremoved old/);
  expect(describeVerdicts([], false)).toBe('no snapshots yet');
});
