import { expect, test } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import { app, maria, postgres } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

/** `DAVIT_TEST_SCALE=40,200` measures; what is asserted holds for any size. */
const [services = 10, databases = 24] = (process.env['DAVIT_TEST_SCALE'] ?? '').split(',').filter(Boolean).map(Number);
const half = databases / 2;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test(`a stack of ${services} services and ${databases} databases is planned and captured, whole`, async () => {
  const apps = numbers(services - 2).map((index) => `app-${index}`);
  await using stack = await createStack({
    services: {
      maria: maria('maria', { environment: { MARIADB_ROOT_PASSWORD: 'planted-maria-password' } }),
      postgres: postgres('postgres'),
      ...Object.fromEntries(apps.map((name) => [name, app(name)])),
    },
    volumes: ['maria', 'postgres', ...apps],
  });
  await stack.up();
  const create = numbers(half).map((index) => `CREATE DATABASE d${index};`);
  await stack.sh(
    'maria',
    'mariadb -uroot -p"$MARIADB_ROOT_PASSWORD"',
    create.map((line, index) => `${line} CREATE TABLE d${index}.t AS SELECT ${index} AS n;`).join('\n'),
  );
  await stack.sh('postgres', 'psql -U postgres -q', create.slice(1).join('\n'));

  const startedAt = performance.now();
  const plans = await stack.json<Plan[]>(['plan']);
  console.log(`davit plan of ${services} services and ${databases} databases: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  const expected = databases + 2 + apps.length;
  expect(plans[0]?.sources).toHaveLength(expected);
  expect(plans[0]?.problems).toEqual([]);
  if (process.env['DAVIT_TEST_SCALE'] !== undefined) return;

  const manifest = await stack.backup();
  expect(manifest).toMatchObject({ status: 'complete', failures: [] });
  expect(manifest.artifacts).toHaveLength(expected);
  await stack.sh('maria', 'mariadb -uroot -p"$MARIADB_ROOT_PASSWORD"', `DROP DATABASE d7; UPDATE d${half - 1}.t SET n = -1`);
  await stack.restore('latest', '--service', 'maria', '--no-safety');
  const sum = numbers(half).map((index) => `SELECT n FROM d${index}.t`);
  expect(
    await stack.sh('maria', 'mariadb -uroot -p"$MARIADB_ROOT_PASSWORD" -N', `SELECT SUM(n) FROM (${sum.join(' UNION ')}) AS all_of_them`),
  ).toBe(String((half * (half - 1)) / 2));
});
