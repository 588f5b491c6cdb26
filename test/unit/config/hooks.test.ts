import { describe, expect, test } from 'vitest';
import { hookPhases } from '../../../src/config/labels.ts';
import { parseLabels } from '../../../src/config/parse-labels.ts';

const hooks = (raw: Record<string, string>) => parseLabels('app', raw).labels?.hooks;
const messages = (raw: Record<string, string>) => parseLabels('app', raw).problems.map(({ message }) => message);

describe('hooks', () => {
  test.each(hookPhases)('phase %s, with every default', (phase) => {
    expect(hooks({ [`davit.hook.${phase}`]: 'sync' })).toEqual([
      { phase, name: '', command: 'sync', timeout: 600_000, 'on-error': 'fail' },
    ]);
  });

  test('every option, of a bare and of a numbered hook', () => {
    const options = { user: 'www-data', stdin: 'yes', timeout: '1h', 'on-error': 'warn', 'fail-on-output': 'Command failed' };
    const raw = Object.fromEntries(
      ['davit.hook.before', 'davit.hook.before.7'].flatMap((base) => [
        [base, 'run'],
        ...Object.entries(options).map(([option, value]) => [`${base}.${option}`, value]),
      ]),
    ) as Record<string, string>;
    const parsed = { ...options, phase: 'before', command: 'run', timeout: 3_600_000 };
    expect(hooks(raw)).toEqual([
      { ...parsed, name: '' },
      { ...parsed, name: '7' },
    ]);
  });

  test('run by number, the bare one first, and not by the order of the labels', () => {
    const raw = { 'davit.hook.after.10': 'c', 'davit.hook.after.2': 'b', 'davit.hook.after': 'a' };
    expect(hooks(raw)?.map(({ command }) => command)).toEqual(['a', 'b', 'c']);
  });

  test('options belong to the hook of the same number only', () => {
    const raw = { 'davit.hook.after': 'a', 'davit.hook.after.1': 'b', 'davit.hook.after.1.user': 'root' };
    expect(hooks(raw)?.map(({ command, user }) => [command, user])).toEqual([
      ['a', undefined],
      ['b', 'root'],
    ]);
  });

  test('an option without its command', () => {
    expect(messages({ 'davit.hook.before.user': 'root' })).toEqual([
      expect.stringMatching(/^service "app": label davit\.hook\.before: expected a shell command: nothing — /),
    ]);
  });

  test.each([
    ['davit.hook.before', ''],
    ['davit.hook.before.user', ''],
    ['davit.hook.before.timeout', '5'],
    ['davit.hook.before.on-error', 'ignore'],
    ['davit.hook.before.fail-on-output', ''],
    ['davit.hook.before.3.timeout', '5'],
  ])('%s=%j is refused under its own name', (label, value) => {
    const command = label.includes('.3.') ? 'davit.hook.before.3' : 'davit.hook.before';
    expect(messages({ [command]: 'run', [label]: value })).toEqual([expect.stringContaining(`label ${label}: `)]);
  });

  test.each(['hook', 'hook.later', 'hook.before.usr', 'hook.before.x.user', 'hook.after-dump.user.1'])('davit.%s is unknown', (key) => {
    expect(messages({ 'davit.hook.before': 'run', [`davit.${key}`]: 'x' })).toEqual([
      expect.stringContaining(`unknown label davit.${key} `),
    ]);
  });
});
