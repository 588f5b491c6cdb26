import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readState, reportHealth } from '../../../src/commands/health.ts';

test('several who report at the same time disturb neither each other nor who reads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'davit-unit-'));
  const path = join(folder, 'state.json');
  const read = () => readState(() => readFile(path, 'utf8'));
  try {
    await reportHealth({ nextRunAt: 'now' }, undefined, path);
    const reports = Array.from({ length: 30 }, () => reportHealth({ nextRunAt: 'now' }, undefined, path));
    for (let reader = 0; reader < 30; reader += 1) expect(await read()).toMatchObject({ nextRunAt: 'now' });
    await Promise.all(reports);
    expect(await readdir(folder)).toEqual(['state.json']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
