import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { missing } from '../../../scripts/checklist.ts';
import { parseKeep, retain } from '../../../src/model/retention.ts';
import { manifest } from '../../support/builders.ts';
import { requirements } from '../../e2e/apps/checklist.ts';

const dayMs = 24 * 3_600_000;

test('SeaTable: no dump goes within a week', () => {
  const file = readFileSync(new URL('../../../compose-examples/seatable/compose.yaml', import.meta.url), 'utf8');
  const { services } = parse(file) as { services: { davit: { environment: { DAVIT_KEEP: string } } } };
  const nightly = Array.from({ length: 60 }, (_, day) => {
    const startedAt = new Date(Date.parse('2026-11-21T02:15:00Z') - (60 - day) * dayMs).toISOString();
    return manifest({ id: startedAt, sequence: day + 1, startedAt });
  });
  const verdicts = retain(nightly, parseKeep(services.davit.environment.DAVIT_KEEP) ?? {});
  const gone = verdicts.filter(({ reasons }) => reasons.length === 0).map((verdict) => Date.parse(verdict.manifest.startedAt));
  expect(gone.length).toBeGreaterThan(0);
  const newest = Date.parse(nightly.at(-1)?.startedAt ?? '');
  expect(newest - Math.max(...gone)).toBeGreaterThan(7 * dayMs);
});

test('every line of the checklist has a proof that is a test: `npm run checklist`', () => {
  expect(requirements.map(({ number }) => number)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  expect(requirements.filter(({ proofs }) => proofs.length === 0)).toEqual([]);
  expect(missing(requirements.flatMap(({ proofs }) => proofs))).toEqual([]);
});
