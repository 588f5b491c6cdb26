import { expect, test } from 'vitest';
import { parseEnvironment } from '../../../src/config/environment.ts';
import { createNotifiers, secretsOf } from '../../../src/notifiers/index.ts';

const parse = (text: string) => parseEnvironment({ DAVIT_NOTIFY: text }).DAVIT_NOTIFY;

test('DAVIT_NOTIFY is one address or several', () => {
  expect(createNotifiers(parse('https://a.example/x, hc+https://b.example/uuid,ntfy+http://c:8080/topic')).map(({ name }) => name)).toEqual(
    ['webhook a.example', 'healthchecks b.example', 'ntfy c:8080'],
  );
  expect(createNotifiers(parseEnvironment({}).DAVIT_NOTIFY)).toEqual([]);
});

test.each(['mailto:me@example.com', 'slack+https://hooks.example/secret', 'https://', 'example.com/secret'])(
  'refuses %s and does not repeat it',
  (text) => {
    const refusal = () => createNotifiers(parse(text));
    expect(refusal).toThrow(/DAVIT_NOTIFY/);
    expect(refusal).not.toThrow(/secret|mailto/);
  },
);

test('an address is a secret, and so is each part of it that could be a token', () => {
  expect(secretsOf(['hc+https://hc-ping.com/0123456789abcdef0123'])).toEqual([
    'https://hc-ping.com/0123456789abcdef0123',
    '',
    '0123456789abcdef0123',
  ]);
  expect(secretsOf(['ntfy+https://me:geheim@ntfy.example/backups'])).toEqual(['https://me:geheim@ntfy.example/backups', 'geheim']);
});
