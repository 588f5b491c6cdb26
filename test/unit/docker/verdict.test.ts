import { describe, expect, test } from 'vitest';
import { inputLeftUnread } from '../../../src/docker/acknowledged.ts';
import { type Evidence, proveExit, requireSuccess } from '../../../src/docker/verdict.ts';

const ended = (exitCode: number) => ({ running: false, exitCode });
const proven: Evidence = { where: 'container "db"', tool: 'pg_dump', trailer: 0, state: ended(0), stderr: '', rest: '' };

describe('a command has succeeded only when everything says so', () => {
  test('proof', () => {
    expect(proveExit(proven)).toBe(0);
    expect(proveExit({ ...proven, trailer: 3, state: ended(3) })).toBe(3);
    expect(proveExit({ ...proven, trailer: inputLeftUnread, state: ended(0) })).toBe(inputLeftUnread);
  });

  test.each<[string, Partial<Evidence>, RegExp]>([
    ['removed', { state: undefined }, /the container was removed while pg_dump ran/],
    ['cut', { trailer: undefined, state: { running: true, exitCode: undefined } }, /the connection to Docker was cut/],
    ['killed', { trailer: undefined, state: ended(137), stderr: 'dumping\n' }, /was killed \(exit code 137\): dumping/],
    [
      'killed, after it had ended for that reason',
      { trailer: 2, state: ended(137), stderr: 'eof\n' },
      /was killed \(exit code 137\): eof — look/,
    ],
    ['tail lost, clean end, exit code 0', { trailer: undefined }, /the connection to Docker was cut while pg_dump ran \(it ended with 0\)/],
    ['still running', { state: { running: true, exitCode: undefined } }, /still runs/],
    ['contradiction', { state: ended(1) }, /ended with 0, but Docker says 1/],
    [
      'no shell',
      { trailer: undefined, state: ended(127), rest: 'OCI runtime exec failed: exec: "sh": executable file not found in $PATH' },
      /it has no sh/,
    ],
    [
      'cut, as Docker tells it; output never gets into an error',
      { trailer: undefined, state: ended(126), rest: 'CREATE USER x PASSWORD secret' },
      /^((?!secret).)*the connection to Docker was cut while pg_dump ran((?!secret).)*$/,
    ],
    [
      'bad user',
      { trailer: undefined, state: ended(126), rest: 'unable to find user bob: no matching entries in passwd file' },
      /pg_dump could not be started: .*unable to find user bob/,
    ],
  ])('%s', (_what, evidence, expected) => {
    expect(() => proveExit({ ...proven, ...evidence })).toThrow(expected);
  });

  test('an exit code other than 0 is told with the last lines of stderr', () => {
    expect(() => requireSuccess('container "db"', 'pg_dump', 1, 'a\npg_dump: error: no role "root"\n')).toThrow(
      'container "db": pg_dump exited with 1: a\npg_dump: error: no role "root"',
    );
    const context = ['LINE 1: norm(t)', '        ^', 'HINT:  No', 'QUERY:  norm(t)', 'CONTEXT:  slug', 'Command was: CREATE INDEX'];
    expect(() => requireSuccess('container "db"', 'sh', 1, ['pg_restore: error: no norm', ...context].join('\n'))).toThrow(
      /exited with 1: pg_restore: error: no norm\nHINT.*\nQUERY.*\nCONTEXT.*\nCommand was: CREATE INDEX$/,
    );
    expect(() => requireSuccess('container "db"', 'psql', inputLeftUnread, '')).toThrow('psql ended before it had read its whole input');
    expect(() => requireSuccess('container "db"', 'psql', 0, 'NOTICE')).not.toThrow();
  });
});
