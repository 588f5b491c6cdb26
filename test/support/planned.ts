import type { Plan } from '../../src/model/plan.ts';
import { discover } from '../../src/steps/discover.ts';
import { plan } from '../../src/steps/plan.ts';
import { composeContainer, volume } from './builders.ts';
import { fakeContext, type FakeStack } from './fake-context.ts';

/** Plans of stacks that exist only as data; every database server in them is a PostgreSQL with two databases. */

export const enabled = { 'davit.enable': 'true' };
export const inventory = `${[
  { tool: 'pg_dump 17' },
  { server: '17.6', super: true },
  { name: 'shop', owner: 'app', encoding: 'UTF8', collate: 'C', ctype: 'C' },
  { name: 'stats', owner: 'app', encoding: 'UTF8', collate: 'C', ctype: 'C' },
]
  .map((line) => JSON.stringify(line))
  .join('\n')}\n`;

export const postgres = (labels: Record<string, string> = enabled, overrides: Parameters<typeof composeContainer>[1] = {}) =>
  composeContainer('db', { image: 'postgres:17', mounts: [volume('pg', '/var/lib/postgresql/data')], labels, ...overrides });

export async function planned(containers: FakeStack['containers'], fake: Partial<FakeStack> = {}, set = 'default'): Promise<Plan> {
  const context = fakeContext({ containers, answer: () => ({ stdout: inventory }), ...fake });
  return plan(context, await discover(context), set);
}

export const sources = ({ sources }: Plan) => sources.map(({ kind, service: name, name: artifact }) => `${kind} ${name}/${artifact}`);
export const problems = ({ problems }: Plan) => problems.map(({ error }) => error.message);
