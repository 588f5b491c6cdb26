import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { createRedactor } from '../../src/redactor.ts';

test.each<[string[], string[]]>([
  [['redis-server', '--requirepass', 'geheim pw', '--port', '6379'], ['geheim pw']],
  [
    ['app', '--db-password=first1', '--api-token', 'second'],
    ['first1', 'second'],
  ],
  [
    ['sh', '-c', `redis-server --requirepass "three3" --masterauth 'four44'; x --secret five55`],
    ['three3', 'four44', 'five55'],
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
    protect(['passwd', 'passwd-of-root']);
    expect(redact('passwd-of-root passwd')).toBe('[redacted] [redacted]');
  });

  test('does not take what a secret holds for a pattern', () => {
    const { protect, redact } = createRedactor();
    protect(['a.b.c$', '$&$1\\d']);
    expect(redact('axbxc a.b.c$ $&$1\\d $&$15')).toBe('axbxc [redacted] [redacted] $&$15');
  });

  test('leaves what is too short, a word of JSON, or a word of Davit itself', () => {
    const { protect, redact } = createRedactor();
    protect(['', 'yes', 'root', 'true', 'false', 'null', 'admin', 'password', 'postgres', undefined]);
    const text = '{"yes":true,"no":false,"nothing":null,"engine":"postgres"} root asks for a password';
    expect(redact(text)).toBe(text);
  });

  test('replaces everything else of six characters and more, also where it looks harmless', () => {
    const { protect, redact } = createRedactor();
    const planted = ['secret', 'hunter', 'qwerty', 'p@ss w', 'Password', 'passwords', 'ünïcöd', '12345a'];
    protect(planted);
    expect(redact(`x${planted.join('x')}x`)).toBe(`x${planted.map(() => '[redacted]').join('x')}x`);
  });

  test('does not tear a larger number apart for a secret of digits', () => {
    const { protect, redact } = createRedactor();
    protect(['123456']);
    expect(redact('{"bytes":91234567} pin=123456 x123456x')).toBe('{"bytes":91234567} pin=[redacted] x[redacted]x');
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
