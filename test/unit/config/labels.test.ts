import { describe, expect, test } from 'vitest';
import { labels } from '../../../src/config/labels.ts';
import { parseLabels } from '../../../src/config/parse-labels.ts';

const parse = (raw: Record<string, string>) => parseLabels('db', raw);
const messages = (raw: Record<string, string>) => parse(raw).problems.map(({ message }) => message);

/** Per label: a value that fits and what it becomes, and values that do not fit. */
const cases: Record<keyof typeof labels, { good: [string, unknown]; bad: string[] }> = {
  enable: { good: ['false', false], bad: ['yes', 'True', ''] },
  set: { good: ['shop-2', 'shop-2'], bad: ['Shop', '../x', 'a/b', '', '-a', 'a'.repeat(64)] },
  order: { good: ['-5', -5], bad: ['first', '1.5', '', '1e3'] },
  dump: { good: ['postgres', 'postgres'], bad: ['oracle', 'Postgres', ''] },
  'dump.databases': { good: ['shop, stats', ['shop', 'stats']], bad: ['', ' , '] },
  'dump.user': { good: ['backup', 'backup'], bad: [''] },
  'dump.password-env': { good: ['BACKUP_PW', 'BACKUP_PW'], bad: ['$BACKUP_PW', 'A B', '1A', 'A;id', ''] },
  'dump.password-file': { good: ['/run/secrets/pw', '/run/secrets/pw'], bad: ['secrets/pw', ''] },
  'dump.options': { good: ['--a "b c"', ['--a', 'b c']], bad: ['--a "b c'] },
  files: { good: ['/data, /config', ['/data', '/config']], bad: ['data', '', 'automatic', '/data,config'] },
  'files.include': { good: ['/data/*.{jpg,png}, /data/conf/', ['/data/*.{jpg,png}', '/data/conf']], bad: ['**/*.db', ''] },
  'files.exclude': { good: ['/data//cache/./**', ['/data/cache/**']], bad: ['cache/**', ''] },
  sqlite: { good: ['/data/**/*.db', ['/data/**/*.db']], bad: ['vault.db', 'all', ''] },
  quiesce: { good: ['stop', 'stop'], bad: ['kill', 'true', ''] },
  'quiesce.during': { good: ['files', 'files'], bad: ['dump', ''] },
  'quiesce.timeout': { good: ['2m', 120_000], bad: ['2', '-1s', '1.5m', 'forever', ''] },
};

describe('a service with no label but davit.enable', () => {
  test('gets every default', () => {
    expect(parse({ 'davit.enable': 'true' })).toEqual({
      problems: [],
      sets: new Map(),
      labels: {
        enable: true,
        set: 'default',
        order: 0,
        dump: 'auto',
        'dump.databases': ['*'],
        'dump.options': [],
        files: 'auto',
        'files.include': [],
        'files.exclude': [],
        sqlite: 'auto',
        quiesce: 'none',
        'quiesce.during': 'set',
        hooks: [],
        commands: [],
      },
    });
  });

  test('labels of others are not looked at', () => {
    expect(
      messages({
        'traefik.enable': 'maybe',
        davitx: '1',
        'davit-test.hash': '1',
        'io.davit.worker': 'shop',
        'com.docker.compose.service': 'db',
      }),
    ).toEqual([]);
  });
});

describe.each(Object.entries(cases))('davit.%s', (name, { good: [text, value], bad }) => {
  test(`accepts ${text}`, () => {
    const { labels: parsed, problems } = parse({ [`davit.${name}`]: text });
    expect(problems).toEqual([]);
    expect(parsed?.[name as keyof typeof labels]).toEqual(value);
  });

  test.each(bad)('refuses %j and names service, label and value', (text) => {
    const result = parse({ [`davit.${name}`]: text });
    expect(result.labels).toBeUndefined();
    expect(result.problems).not.toEqual([]);
    for (const { message, exitCode } of result.problems) {
      expect(message).toMatch(/^service "db": label davit\./);
      expect(message).toContain(`label davit.${name}: `);
      expect(message).toContain('docs/labels.md');
      expect(exitCode).toBe(2);
    }
  });
});

describe('names that are no label', () => {
  test.each([
    ['dumpp', 'dump'],
    ['dump.database', 'dump.databases'],
    ['file.exclude', 'files.exclude'],
    ['dump.pasword-env', 'dump.password-env'],
    ['hook.befor', 'hook.before'],
    ['Enable', 'enable'],
    ['set.images.kep', 'set.images.keep'],
    ['exclude', 'files.exclude'],
    ['databases', 'dump.databases'],
  ])('davit.%s: did you mean davit.%s?', (wrong, right) => {
    expect(messages({ [`davit.${wrong}`]: 'x' })).toEqual([`service "db": unknown label davit.${wrong} — did you mean davit.${right}?`]);
  });

  test.each(['Davit.enable', 'DAVIT.dump', 'davit_enable', 'davit'])('%s: labels begin with davit.', (label) => {
    expect(messages({ [label]: 'true' })).toEqual([
      `service "db": unknown label ${label} — labels begin with davit. in lower case, such as davit.enable`,
    ]);
  });

  test('what resembles nothing gets no guess', () => {
    expect(messages({ 'davit.compression.algorithm': 'x' })).toEqual([
      'service "db": unknown label davit.compression.algorithm — docs/labels.md has every label',
    ]);
  });

  test.each(['constructor', '__proto__', 'toString', 'hooks', 'commands', ''])('davit.%s is unknown like any other', (name) => {
    expect(parseLabels('db', JSON.parse(`{"davit.${name}":"x"}`) as Record<string, string>).problems).toHaveLength(1);
  });

  test('a password in a label is refused with the reason and the way out, and its value is not repeated', () => {
    const [message, ...more] = messages({ 'davit.dump.password': 'hunter2' });
    expect(more).toEqual([]);
    expect(message).toMatch(/davit\.dump\.password is refused, because labels can be read by everybody/);
    expect(message).toContain('davit.dump.password-env or davit.dump.password-file');
    expect(message).not.toContain('hunter2');
  });
});

describe('labels of a set', () => {
  test('are read by its name', () => {
    const raw = { 'davit.set.images.keep': 'last=2', 'davit.set.images.needed-by': 'shop, stats', 'davit.set.a-b.storage': 'cold' };
    expect(parse(raw).sets).toEqual(
      new Map([
        ['images', { keep: { last: 2 }, 'needed-by': ['shop', 'stats'] }],
        ['a-b', { storage: 'cold' }],
      ]),
    );
  });

  test('what is right about a set counts when another part is not; a storage is never another one', () => {
    const wrong = parseLabels('davit', {
      'davit.set.images.keep': 'all',
      'davit.set.images.storage': 'Cold',
      'davit.set.images.schedule': '0 4 * * 0',
    });
    expect(wrong.problems).not.toEqual([]);
    expect(wrong.sets.get('images')).toEqual({ schedule: '0 4 * * 0', storage: 'Cold' });
  });

  test.each(['at night', '61 * * * *', ''])('schedule=%j is refused', (value) => {
    expect(messages({ 'davit.set.images.schedule': value })).toEqual([expect.stringContaining('schedule: expected a cron expression')]);
  });

  test.each(['', ',', 'Shop', 'a/b'])('needed-by=%j is refused', (value) => {
    expect(messages({ 'davit.set.images.needed-by': value })).toEqual([expect.stringContaining('label davit.set.images.needed-by: ')]);
  });
});

test('all problems of a service are told at once', () => {
  const found = messages({
    'davit.enable': 'maybe',
    'davit.dumpp': 'x',
    'davit.files': 'data',
    'davit.dump.password': 'x',
    'davit.quiesce.timeout': 'x',
    'davit.hook.before.timeout': 'x',
    'davit.order': '1',
  });
  for (const name of ['enable', 'dumpp', 'files', 'dump.password', 'quiesce.timeout', 'hook.before', 'hook.before.timeout'])
    expect(found.filter((message) => new RegExp(`label davit\\.${name.replaceAll('.', '\\.')}[: ]`).test(message))).toHaveLength(1);
  expect(found).toHaveLength(7);
});

test('a wrong entry of a list is shown by itself', () => {
  expect(messages({ 'davit.files.exclude': '/a,b,/c' })).toEqual([
    'service "db": label davit.files.exclude: expected an absolute path inside the container: "b" — correct the label and run `docker compose up -d`; docs/labels.md has every label',
  ]);
});
