import { expect, test } from 'vitest';
import { createCli } from '../../../src/commands/cli.ts';

/** The exit code, and whether anything was begun. */
async function called(...words: string[]): Promise<{ exitCode: number | undefined; begun: boolean }> {
  const result = { exitCode: undefined as number | undefined, begun: false };
  const cli = createCli({
    createContext: async () => {
      result.begun = true;
      throw new Error('begun');
    },
    print: () => undefined,
    exit: (code) => void (result.exitCode = code),
  });
  await cli(['node', 'davit', ...words]).catch((error: Error) => expect(error.message).toBe('begun'));
  return result;
}

test.each([
  ['backup', 'shop-db'],
  ['restore', 'latest', 'shop-db', '--yes'],
  ['verify', '20261121T030000Z-3f9a1c', '20261121T040000Z-3f9a1c'],
  ['prune', 'now'],
  ['drill', 'latest', 'shop-db'],
  ['restore'],
  ['backup', '--sets', 'all'],
])('davit %s %s is refused before anything begins', async (...words) => {
  expect(await called(...words)).toEqual({ exitCode: 2, begun: false });
});

test.each([['--read-data=7'], ['--read-data', 'latest'], ['--read-data=0%'], ['--read-data=6/5']])(
  'davit verify %s %s is refused, because it is no share',
  async (...words) => {
    const cli = createCli({ createContext: () => Promise.reject(new Error('begun')), print: () => undefined, exit: () => undefined });
    await expect(cli(['node', 'davit', 'verify', ...words])).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('write --read-data=10%, --read-data=1/5, or nothing') as string,
    });
  },
);

test.each(['--from-stack', '--set', '--to', '--at'])('an empty %s, as of a variable that is not set, is not everything', async (option) => {
  const cli = createCli({ createContext: () => Promise.reject(new Error('begun')), print: () => undefined, exit: () => undefined });
  await expect(cli(['node', 'davit', 'restore', 'latest', option, '', '--yes'])).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining(`davit restore: ${option} is empty — give it a value`) as string,
  });
});

test.each(['--only', '--service', '--set'])('%s twice is refused, because only the last one would count', async (option) => {
  const cli = createCli({ createContext: () => Promise.reject(new Error('begun')), print: () => undefined, exit: () => undefined });
  await expect(cli(['node', 'davit', 'restore', 'latest', option, 'a', `${option}=b`, '--yes'])).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining(`davit restore: ${option} stands there twice`) as string,
  });
});

test('davit help tells of a command, as --help does', async () => {
  expect(await called('help', 'restore')).toEqual({ exitCode: 0, begun: false });
});

test.each([
  ['backup'],
  ['restore', 'latest', '--yes'],
  ['verify', 'latest'],
  ['verify', 'latest', '--read-data'],
  ['verify', '--no-read-data'],
  ['verify', '--read-data', '10%', 'latest'],
  ['drill'],
  ['drill', 'latest', '--set', 'db'],
  [],
])('davit %s %s is understood', async (...words) => {
  expect(await called(...words)).toMatchObject({ begun: true });
});
