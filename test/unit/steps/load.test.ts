import { expect, test } from 'vitest';
import { loadInTurns } from '../../../src/steps/load.ts';
import type { Artifact } from '../../../src/model/snapshot.ts';

const artifact = (name: string, more: Partial<Artifact> = {}): Artifact =>
  ({ service: 'db', name, kind: 'database', engine: 'mariadb', ...more }) as Artifact;

/** Loads what needs nothing that is not there; resolves with the order of tries and what remains. */
async function load(needs: Readonly<Record<string, readonly string[]>>, kind: Artifact['kind'] = 'database') {
  const [there, tries] = [new Set<string>(), [] as string[]];
  const remains = await loadInTurns(
    Object.keys(needs).map((name) => artifact(name, { kind })),
    async ({ name }) => {
      tries.push(name);
      const lacking = needs[name]?.find((other) => !there.has(other));
      if (lacking !== undefined) return new Error(`ERROR 1146 (42S02) at line 7: Table '${lacking}.t' doesn't exist — do`);
      there.add(name);
      return undefined;
    },
  );
  return { tries: tries.join(' '), remains: remains.map(String) };
}

test('databases that need each other are tried again as long as that helps', async () => {
  expect(await load({ a: [], b: ['a'] })).toEqual({ tries: 'a b', remains: [] });
  expect(await load({ a: ['b'], b: ['c'], c: [] })).toEqual({ tries: 'a b c a b a', remains: [] });
  expect(await load({ a: ['nowhere'], b: [] })).toEqual({ tries: 'a b a', remains: [expect.stringContaining(`'nowhere.t'`)] });
  expect(await load({ a: ['b'], b: [] }, 'accounts')).toEqual({ tries: 'a b', remains: [] });
  expect(await loadInTurns([artifact('a')], async () => 'ERROR 1064 (42000) at line 1: You have an error')).toEqual([]);
});
