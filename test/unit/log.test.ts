import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { createRedactor } from '../../src/redactor.ts';

test.each<[string[], string[]]>([
  [['redis-server', '--requirepass', 'geheim pw', '--port', '6379'], ['geheim pw']],
  [
    ['app', '--db-password=first', '--api-token', 'second'],
    ['first', 'second'],
  ],
  [
    ['sh', '-c', `redis-server --requirepass "three" --masterauth 'four'; x --secret five`],
    ['three', 'four', 'five'],
  ],
  [['--requirepass', '$PW', 'x --password-file /run/secrets/pw --requirepass $(cat /x)'], []],
])('the secrets in the words %j', (words, secrets) => {
  const { protectOptions, redact } = createRedactor();
  protectOptions(words);
  expect(redact([...secrets, 'redis-server --port 6379 /run/secrets/pw'].join('|'))).toBe(
    [...secrets.map(() => '[redacted]'), 'redis-server --port 6379 /run/secrets/pw'].join('|'),
  );
});

describe('the redactor', () => {
  test('replaces every secret wherever it appears', () => {
    const { protect, redact } = createRedactor();
    protect(['hunter2', undefined, 'correct horse']);
    expect(redact('hunter2:hunter2 xhunter2x "correct horse"')).toBe('[redacted]:[redacted] x[redacted]x "[redacted]"');
  });

  test('knows how a secret looks inside JSON', () => {
    const { protect, redact } = createRedactor();
    const secret = 'a"b\\c\nd';
    protect([secret]);
    expect(redact(secret)).toBe('[redacted]');
    expect(redact(JSON.stringify({ secret }))).toBe('{"secret":"[redacted]"}');
  });

  test('leaves no rest when one secret is the beginning of another', () => {
    const { protect, redact } = createRedactor();
    protect(['pass', 'password-of-root']);
    expect(redact('password-of-root pass')).toBe('[redacted] [redacted]');
  });

  test('does not take what a secret holds for a pattern', () => {
    const { protect, redact } = createRedactor();
    protect(['a.c$', '$&$1']);
    expect(redact('abc a.c$ $&$1')).toBe('abc [redacted] [redacted]');
  });

  test('leaves values alone that are too short, or a word of JSON', () => {
    const { protect, redact } = createRedactor();
    protect(['', 'yes', 'true', 'false', 'null', undefined]);
    expect(redact('{"yes":true,"no":false,"nothing":null}')).toBe('{"yes":true,"no":false,"nothing":null}');
  });

  test('learns more later', () => {
    const { protect, redact } = createRedactor();
    expect(redact('secret')).toBe('secret');
    protect(['secret']);
    expect(redact('secret')).toBe('[redacted]');
  });
});

describe.each([false, true])('the log (terminal: %s)', (isTTY) => {
  function write(level: 'info' | 'debug'): string {
    let text = '';
    const output = new Writable({ write: (chunk: Buffer, _, done) => ((text += chunk.toString()), done()) });
    const redactor = createRedactor();
    redactor.protect(['hunter2']);
    const log = createLog(level, redactor, Object.assign(output, { isTTY }) as unknown as NodeJS.WriteStream);
    log.debug({ detail: 1 }, 'quiet');
    log.info({ source: 'db/shop', nested: { error: 'login with hunter2 failed' } }, 'dumped hunter2');
    return text;
  }

  test('lets no secret out, not in messages and not in nested fields', () => {
    expect(write('info')).toMatch(/dumped \[redacted\]/);
    expect(write('info')).toMatch(/login with \[redacted\] failed/);
    expect(write('info')).not.toContain('hunter2');
  });

  test('says what its level asks for', () => {
    expect(write('info')).not.toContain('quiet');
    expect(write('debug')).toContain('quiet');
  });
});
