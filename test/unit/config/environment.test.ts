import { describe, expect, test } from 'vitest';
import { parseEnvironment, secretNames } from '../../../src/config/environment.ts';
import { resolveFiles } from '../../../src/config/variable-files.ts';

const files: Record<string, string> = { '/run/secrets/id': 'AGE-SECRET-KEY-1\n', '/run/secrets/empty': '\n', '/run/secrets/aws': ' key ' };
function read(path: string): string {
  const text = files[path];
  if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
  return text;
}

describe('the _FILE forms', () => {
  test('become the value of the file, without blanks around it', () => {
    const raw = { DAVIT_IDENTITY_FILE: '/run/secrets/id', AWS_SECRET_ACCESS_KEY_FILE: '/run/secrets/aws', TZ: 'UTC' };
    expect(resolveFiles(raw, read)).toEqual({ DAVIT_IDENTITY: 'AGE-SECRET-KEY-1', AWS_SECRET_ACCESS_KEY: 'key', TZ: 'UTC' });
  });

  test.each(['DAVIT_LABELS_FILE', 'DAVIT_STORAGE_IMAGES', 'TZ', 'DOCKER_HOST', 'AWS_REGION', 'AWS_ENDPOINT_URL_S3'])(
    'of %s as well',
    (name) => {
      expect(resolveFiles({ [`${name}_FILE`]: '/run/secrets/aws' }, read)).toEqual({ [name]: 'key' });
    },
  );

  test('a file of recipients has one a line', () => {
    const lines = ['q', 'z'].map((letter) => `age1${letter.repeat(58)}`);
    expect(parseEnvironment({ DAVIT_ENCRYPT_TO: lines.join('\n') })).toMatchObject({ DAVIT_ENCRYPT_TO: lines });
  });

  test('both forms at once are refused, in either order', () => {
    const both = /DAVIT_IDENTITY and DAVIT_IDENTITY_FILE are both set — keep one/;
    expect(() => resolveFiles({ DAVIT_IDENTITY: 'a', DAVIT_IDENTITY_FILE: '/run/secrets/id' }, read)).toThrow(both);
    expect(() => resolveFiles({ DAVIT_IDENTITY_FILE: '/run/secrets/id', DAVIT_IDENTITY: 'a' }, read)).toThrow(both);
  });

  test('an empty variable of Davit is an error, because an empty recipient list would mean plaintext', () => {
    expect(() => resolveFiles({ DAVIT_ENCRYPT_TO: '' }, read)).toThrow(/DAVIT_ENCRYPT_TO is set but empty — give it a value, or remove it/);
    expect(() => resolveFiles({ DAVIT_IDENTITY_FILE: '' }, read)).toThrow(/DAVIT_IDENTITY_FILE is set but empty/);
  });

  test('an empty variable of somebody else counts as not set', () => {
    expect(resolveFiles({ AWS_SESSION_TOKEN: '' }, read)).toEqual({});
  });

  test('a file that cannot be read is named', () => {
    const failing = () => resolveFiles({ DAVIT_IDENTITY_FILE: '/run/secrets/gone' }, read);
    expect(failing).toThrow(/DAVIT_IDENTITY_FILE names a file that cannot be read: .*\/run\/secrets\/gone/);
    expect(failing).toThrow(expect.objectContaining({ exitCode: 2 }));
  });

  test('an empty file is refused', () => {
    expect(() => resolveFiles({ DAVIT_IDENTITY_FILE: '/run/secrets/empty' }, read)).toThrow(/names an empty file: \/run\/secrets\/empty/);
  });

  test("AWS's own _FILE variables are no form of ours", () => {
    const raw = { AWS_WEB_IDENTITY_TOKEN_FILE: '/gone', AWS_SHARED_CREDENTIALS_FILE: '/gone' };
    expect(resolveFiles(raw, read)).toEqual(raw);
  });
});

describe('the typed environment', () => {
  test('has every default', () => {
    expect(parseEnvironment({})).toMatchObject({
      DAVIT_STORAGE: 'file:///backups',
      DAVIT_SCHEDULE: '0 3 * * *',
      DAVIT_KEEP: { last: 3, daily: 7, weekly: 4, monthly: 6 },
      DAVIT_ENCRYPT_TO: [],
      DAVIT_LOG_LEVEL: 'info',
      TZ: 'UTC',
    });
  });

  test('values are read', () => {
    const recipients = ['q', 'z'].map((letter) => `age1${letter.repeat(58)}`);
    const environment = parseEnvironment({ DAVIT_STORAGE: 's3://b/p', DAVIT_KEEP: 'daily=2', DAVIT_ENCRYPT_TO: recipients.join(', ') });
    expect(environment).toMatchObject({ DAVIT_STORAGE: 's3://b/p', DAVIT_KEEP: { daily: 2 }, DAVIT_ENCRYPT_TO: recipients });
  });

  test.each([
    [':8080', { host: undefined, port: 8080 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['davit.internal:65535', { host: 'davit.internal', port: 65_535 }],
    ['[::1]:80', { host: '::1', port: 80 }],
  ])('%s is an address to listen on', (text, address) => {
    expect(parseEnvironment({ DAVIT_HTTP: text }).DAVIT_HTTP).toEqual(address);
  });

  test.each(['UTC', 'Europe/Berlin', 'America/Argentina/Ushuaia', 'CET'])('%s is a time zone', (name) => {
    expect(parseEnvironment({ TZ: name }).TZ).toBe(name);
  });

  test('variables of other programs do not disturb', () => {
    expect(parseEnvironment({ PATH: '/bin', HOME: '/root', AWS_REGION: 'eu-central-1' })).not.toHaveProperty('PATH');
  });

  test('an unknown DAVIT_ name is refused, and its value, which may be a secret, is not shown', () => {
    const failing = () => parseEnvironment({ DAVIT_IDENTTY: 'AGE-SECRET-KEY-1XYZ' });
    expect(failing).toThrow(/unknown variable DAVIT_IDENTTY \(did you mean DAVIT_IDENTITY\?\)/);
    expect(failing).not.toThrow(/XYZ/);
  });

  test.each([
    ['DAVIT_STORAGE', 'ftp://host'],
    ['DAVIT_STORAGE', '/backups'],
    ['DAVIT_KEEP', 'daily'],
    ['DAVIT_KEEP', 'hourly=3'],
    ['DAVIT_ENCRYPT_TO', 'ssh-ed25519 AAAA'],
    ['DAVIT_ENCRYPT_TO', ' , '],
    ['DAVIT_LOG_LEVEL', 'loud'],
    ['DAVIT_DRILL', 'sometimes'],
    ['DAVIT_HTTP', '8080'],
    ['DAVIT_HTTP', ':0'],
    ['DAVIT_HTTP', ':65536'],
    ['DAVIT_HTTP', 'http://localhost:80'],
    ['DAVIT_HTTP', '::1:80'],
    ['TZ', 'Europe/Berlinn'],
    ['TZ', 'CET-1CEST'],
  ])('%s=%j is refused with its name', (name, value) => {
    expect(() => parseEnvironment({ [name]: value })).toThrow(new RegExp(`${name}: expected .*docs/environment\\.md`));
  });

  test('all problems are told at once', () => {
    expect(() => parseEnvironment({ DAVIT_STORAGE: 'x', DAVIT_KEEP: 'y', DAVIT_NOPE: 'z' })).toThrow(
      /^environment: (?=.*DAVIT_STORAGE: )(?=.*DAVIT_KEEP: )(?=.*DAVIT_NOPE)/,
    );
  });

  test.each(secretNames)('no error repeats the value of %s', (name) => {
    const secret = 'PLANTED-SECRET';
    const raw = { [name]: secret, DAVIT_KEEP: 'x', DAVIT_NOPE: secret };
    expect(() => parseEnvironment(resolveFiles(raw, read))).not.toThrow(/PLANTED/);
    expect(() => parseEnvironment(resolveFiles(raw, read))).toThrow(/DAVIT_KEEP/);
    expect(() => resolveFiles({ ...raw, [`${name}_FILE`]: '/run/secrets/gone' }, read)).not.toThrow(/PLANTED/);
  });
});

test('keys in a location are refused and not repeated', () => {
  const parse = (): unknown => parseEnvironment({ DAVIT_STORAGE: 's3://id:PLANTED@bucket/p' });
  expect(parse).toThrow(/DAVIT_STORAGE: expected .* got "s3:\/\/…@bucket\/p"/);
  expect(parse).not.toThrow(/PLANTED/);
});

test('the secret key of a recipient is refused and not repeated', () => {
  const key = '# public key: age1a42we6fr7qasw9tq4p0c96kmkchq6wyvhncnfklfn60kgp7yf9rqxzjyag\nAGE-SECRET-KEY-1PLANTED\n';
  const parse = (): unknown => parseEnvironment(resolveFiles({ DAVIT_ENCRYPT_TO_FILE: '/run/secrets/key' }, () => key));
  expect(parse).toThrow(/DAVIT_ENCRYPT_TO: expected age recipients .* got "AGE-SECRET-KEY-…"/);
  expect(parse).not.toThrow(/PLANTED/);
});

test.each(['s3://My_bucket.x', 's3://b/präfix mit leer/100%25', 'restic+file:///mnt/a b', 'file:///backups/'])(
  '%s is a location',
  (location) => {
    expect(parseEnvironment({ DAVIT_STORAGE: location }).DAVIT_STORAGE).toBe(location);
  },
);

test.each<[string, string]>([
  ['DAVIT_STORAGE', 's3://'],
  ['DAVIT_STORAGE', 'file://backups'],
  ['DAVIT_STORAGE', 'file:///'],
  ...[
    's3://bucket:9000/p',
    's3://bucket/p?region=x',
    's3://bucket#p',
    's3://bucket/50%off',
    'file:///backups?x',
    'restic+s3://[bucket]',
  ].map((location): [string, string] => ['DAVIT_STORAGE', location]),
  ['DAVIT_ENCRYPT_TO', 'age1xyz'],
  ...['at night', '61 * * * *', '0 3 * *', '0 0 31 2 *'].map((schedule): [string, string] => ['DAVIT_SCHEDULE', schedule]),
])('%s=%s is refused', (name, value) => {
  expect(() => parseEnvironment({ [name]: value })).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringContaining(`${name}: expected`) }),
  );
});
