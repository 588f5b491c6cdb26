import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { engines } from '../../../src/engines/index.ts';
import { firstVariable, fromFile, quote, script } from '../../../src/engines/shell.ts';
import { artifact, container, target } from '../../support/builders.ts';

test('the shell takes a quoted word literally, whatever is in it', () => {
  const words = [
    'plain',
    '',
    ' ',
    "it's",
    "''",
    '"',
    '$HOME',
    '$(id)',
    '`id`',
    '\\',
    '\\n',
    'a\nb',
    '*',
    '~',
    '-x',
    'a;b|c&d',
    'ü😀',
    '#x',
    '!',
  ];
  const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${words.map(quote).join(' ')}`], { encoding: 'utf8' });
  expect(stdout.split('\0').slice(0, -1)).toEqual(words);
});

test('a script is one argument of sh; empty lines are left out', () => {
  expect(script('a', undefined, '', 'b')).toEqual({ argv: ['sh', '-c', 'a\nb'] });
});

test('a file is read inside the container, by its path or by the variable that names it', () => {
  expect(fromFile('/run/pw')).toBe('"$(cat /run/pw)"');
  expect(fromFile('$PW_FILE')).toBe('"$(cat "$PW_FILE")"');
});

test('the first variable that has a value counts, plain before file', () => {
  const has = (env: Record<string, string>) => firstVariable(container({ env }), ['A', 'B']);
  expect(has({ A: '1', B: '2', A_FILE: '/a' })).toBe('"$A"');
  expect(has({ A_FILE: '/a', B: '2' })).toBe('"$(cat "$A_FILE")"');
  expect(has({ A: '', A_FILE: '', B: '2' })).toBe('"$B"');
  expect(has({ C: '1' })).toBeUndefined();
});

test.each(engines.map((engine) => [engine.name, engine] as const))('every script of %s is valid for a POSIX shell', (_, engine) => {
  const at = target({}, { user: "o'h", passwordFile: '/run/it is', options: ['--where=a "b"'] });
  const name = `it's "a" $(b)`;
  const stored = artifact({ database: name, details: { charset: 'utf8mb4', collation: 'utf8mb4_bin' } });
  const commands = [
    engine.inventory(at),
    engine.dump(at, { name, details: {}, warnings: [] }).command,
    engine.dump(at, undefined).command,
    engine.restore(at, stored),
    engine.restore(at, artifact({ kind: 'accounts' })),
    engine.ready(at),
    engine.readyInside?.(at) ?? engine.ready(at),
    engine.census(at, stored),
  ];
  for (const command of commands) {
    const [, , text = ''] = command?.argv ?? [];
    expect(text).not.toBe('');
    expect(spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  }
});
