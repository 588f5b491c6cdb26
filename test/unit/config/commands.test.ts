import { describe, expect, test } from 'vitest';
import { parseLabels } from '../../../src/config/parse-labels.ts';

const commands = (raw: Record<string, string>) => parseLabels('db', raw).labels?.commands;
const messages = (raw: Record<string, string>) => parseLabels('db', raw).problems.map(({ message }) => message);

describe('commands', () => {
  test('every default', () => {
    expect(commands({ 'davit.command.dump': 'dump' })).toEqual([{ name: 'dump', command: 'dump', timeout: 3_600_000 }]);
  });

  test('every option, each with the command of its name', () => {
    const raw = {
      'davit.command.a': 'one',
      'davit.command.b-2': 'two',
      'davit.command.b-2.collect': '/my backups/b_*.tar.gz',
      'davit.command.b-2.restore': 'load',
      'davit.command.b-2.restore.put': '/in/restore.tar.gz',
      'davit.command.b-2.user': 'postgres',
      'davit.command.b-2.timeout': '6h',
    };
    expect(commands(raw)).toEqual([
      { name: 'a', command: 'one', timeout: 3_600_000 },
      {
        name: 'b-2',
        command: 'two',
        collect: '/my backups/b_*.tar.gz',
        restore: 'load',
        'restore.put': '/in/restore.tar.gz',
        user: 'postgres',
        timeout: 21_600_000,
      },
    ]);
  });

  test.each(['collect', 'restore.put'])('.%s without the command itself is refused', (option) => {
    expect(messages({ [`davit.command.dump.${option}`]: '/x' })).toEqual([
      expect.stringMatching(/^service "db": label davit\.command\.dump: expected a shell command: nothing — /),
    ]);
  });

  test.each([
    ['', ''],
    ['.collect', 'backup/*.tar'],
    ['.collect', ''],
    ['.restore', ''],
    ['.restore.put', 'restore.tar'],
    ['.user', ''],
    ['.timeout', '10'],
  ])('davit.command.dump%s=%j is refused under its own name', (option, value) => {
    expect(messages({ 'davit.command.dump': 'dump', [`davit.command.dump${option}`]: value })).toEqual([
      expect.stringContaining(`label davit.command.dump${option}: `),
    ]);
  });

  test.each([
    ['command.dump.colect', 'command.dump.collect'],
    ['command.dump.restore.putt', 'command.dump.restore.put'],
    ['command.dump.usr', 'command.dump.user'],
    ['command.Dump', 'command.dump'],
    ['comand.dump', 'command.dump'],
    ['commands.dump.restore', 'command.dump.restore'],
  ])('davit.%s: did you mean davit.%s?', (wrong, right) => {
    expect(messages({ [`davit.${wrong}`]: '/x' })).toEqual([`service "db": unknown label davit.${wrong} — did you mean davit.${right}?`]);
  });

  test.each(['command', 'command.', 'command.a b', 'command.-a', 'command.a/b', `command.${'a'.repeat(64)}`])(
    'davit.%s is unknown',
    (key) => {
      expect(messages({ [`davit.${key}`]: 'x' })).toEqual([expect.stringContaining(`unknown label davit.${key} `)]);
    },
  );
});
