import { expect, test } from 'vitest';
import { redis } from '../../../src/engines/redis.ts';
import { composeContainer } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';
import { discover } from '../../../src/steps/discover.ts';
import { loadInTurns, refuseOtherEngines, requireVersion } from '../../../src/steps/load.ts';
import { serviceOf } from '../../../src/steps/dump.ts';
import { targetOf } from '../../../src/steps/servers.ts';
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

const containers = [
  composeContainer('db', { image: 'mariadb:11.8' }),
  composeContainer('stats', { image: 'postgres:15', env: { POSTGRES_PASSWORD: 'x' } }),
];
const answering = (server: string) =>
  fakeContext({ containers, answer: () => ({ stdout: `{"tool":"pg_dump"}\n{"server":"${server}","super":true}\n` }) });

test('a dump of another kind of server is refused', async () => {
  const context = answering('15.4');
  const stack = await discover(context);
  expect(() => refuseOtherEngines(context, stack, [artifact('shop', { engine: 'mysql', image: 'mysql:9' })])).toThrow(
    'service "db": is a mariadb server, and the snapshot has a dump of mysql for it: mariadb:11.8 — give the service the image of the snapshot, mysql:9',
  );
  refuseOtherEngines(context, stack, [artifact('shop')]);
});

test('a PostgreSQL older than that of the snapshot is refused, a newer one is not', async () => {
  const restoring = async (dumped: string, server: string): Promise<void> => {
    const context = answering(server);
    const target = targetOf(serviceOf(await discover(context), 'stats'));
    await requireVersion(
      context,
      target,
      artifact('stats', { service: 'stats', engine: 'postgres', server: dumped, image: 'postgres:17' }),
    );
  };
  await expect(restoring('17.2 (Debian 17.2-1)', '15.14')).rejects.toThrow(
    /service "stats": its server cannot load .* 15\.14 instead of 17\.2 .* postgres:17, or a newer one/,
  );
  await restoring('15.14', '17.2');
  await restoring('17.6', '17.2');
});

test.each([
  ['Redis 7.0.15', 'Valkey 8.1.1', true],
  ['Valkey 8.1.1', 'Redis 7.0.15', false],
  ['Redis 7.4.2', 'Valkey 8.1.1', false],
  ['Redis 7.4.2', 'Redis 7.2.5', false],
  ['Redis 8.4.0', 'Redis 7.4.2', true],
  ['Redis 7.4.2', 'Valkey 9.0.0', true],
  ['Valkey 7.2.5', 'Redis 7.2.5', true],
  ['Redis 6.2.1', 'Redis 6.0.0', true],
])('what %s has dumped, %s loads: %s, as far as that is known', (dumped, server, answer) => {
  expect(redis.canLoad?.(dumped, server)).toBe(answer);
});
