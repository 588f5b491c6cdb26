import { describe, expect, test } from 'vitest';
import { negotiate, parseHost } from '../../../src/docker/address.ts';
import { ignore, statusOf, troubleOf, wasCut } from '../../../src/docker/trouble.ts';
import { DavitError } from '../../../src/model/errors.ts';

const where = 'container "shop-db-1"';
const host = 'unix:///var/run/docker.sock';
const say = (error: object): string => troubleOf(Object.assign(new Error('raw'), error), 'top', where, host).message;

describe('trouble with Docker says what to do', () => {
  test.each([
    [{ code: 'ENOENT' }, /^docker at unix:.*no socket — mount it/],
    [{ code: 'ECONNREFUSED' }, /nobody answers — start Docker/],
    [{ code: 'EACCES' }, /may not open the socket — run as root/],
    [{ code: 'ENOTFOUND' }, /host name is not known — correct DOCKER_HOST/],
    [{ code: 'ECONNRESET' }, /connection was cut during GET \/containers\/\{id\}\/top/],
    [{ name: 'AbortError' }, /no answer to GET \/containers\/\{id\}\/top in time/],
    [{ statusCode: 403 }, /GET \/containers\/\{id\}\/top is refused — allow it in the socket proxy; Davit needs it to recognise/],
    [{ statusCode: 409, json: { message: 'container is paused' } }, /^container "shop-db-1": Docker refused GET .*: container is paused$/],
  ])('%o', (error, expected) => {
    expect(say(error)).toMatch(expected);
  });

  test('a broken connection is told from every refusal', () => {
    const trouble = (error: object) => troubleOf(Object.assign(new Error('raw'), error), 'stop', where, host);
    expect([{ code: 'ECONNRESET' }, { code: 'EPIPE' }].map((error) => wasCut(trouble(error)))).toEqual([true, true]);
    const others = [{ code: 'ECONNREFUSED' }, { statusCode: 404 }, { name: 'AbortError' }].map(trouble);
    expect([...others, new Error('x'), undefined].map(wasCut)).toEqual(Array.from({ length: 5 }, () => false));
  });

  test('a DavitError stays as it is, and its status can be asked', () => {
    const known = troubleOf(Object.assign(new Error('x'), { statusCode: 404 }), 'inspect', where, host);
    expect(troubleOf(known, 'top', where, host)).toBe(known);
    expect(statusOf(known)).toBe(404);
    expect(ignore(known, 404)).toBeUndefined();
    expect(() => ignore(known, 304)).toThrow(DavitError);
  });
});

describe('where Docker listens', () => {
  test.each([
    ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
    ['tcp://proxy:2375', { host: 'proxy', port: '2375' }],
    ['tcp://10.0.0.1', { host: '10.0.0.1', port: '2375' }],
  ])('%s', (value, expected) => {
    expect(parseHost(value)).toEqual(expected);
  });

  test.each(['ssh://me@host', 'unix://', '/var/run/docker.sock', 'nonsense'])('not %s', (value) => {
    expect(() => parseHost(value)).toThrow(/^DOCKER_HOST: not an address/);
  });

  test.each([
    ['1.41', 'v1.41'],
    ['1.45', 'v1.45'],
    ['1.51', 'v1.51'],
    ['1.60', 'v1.51'],
  ])('version %s is spoken to as %s', (theirs, ours) => {
    expect(negotiate(theirs)).toBe(ours);
  });
});
