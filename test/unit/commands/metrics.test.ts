import { expect, test } from 'vitest';
import { describeMetrics, type Measured } from '../../../src/commands/metrics.ts';
import { artifact, manifest } from '../../support/builders.ts';

function metrics(overrides: Partial<Measured> = {}): string[] {
  const base = { stack: 'shop', version: '1.2.3', healthy: true, state: undefined, manifests: [] };
  return describeMetrics({ ...base, ...overrides }).split('\n');
}

const state = { startedAt: '2026-11-21T00:00:00.000Z', nextRunAt: '2026-11-22T03:00:00.000Z' };

test('a run is told with its end, status, duration and bytes', () => {
  const lastRuns = { default: { endedAt: '2026-11-21T03:00:10.000Z', status: 'complete' as const, durationMs: 10_500, bytes: 123 } };
  const lines = metrics({ state: { ...state, lastRuns }, manifests: [manifest({ artifacts: [artifact(), artifact()] })] });
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE davit_last_run_status gauge',
      'davit_build_info{stack="shop",version="1.2.3"} 1',
      'davit_healthy 1',
      'davit_run_under_way 0',
      'davit_next_run_timestamp_seconds 1795316400',
      'davit_last_run_timestamp_seconds{set="default"} 1795230010',
      'davit_last_run_status{set="default",status="complete"} 1',
      'davit_last_run_status{set="default",status="failed"} 0',
      'davit_last_run_duration_seconds{set="default"} 10.5',
      'davit_last_run_stored_bytes{set="default"} 123',
      'davit_last_success_timestamp_seconds{set="default"} 1795230010',
      'davit_snapshots{set="default",kind="complete"} 1',
      'davit_snapshots{set="default",kind="safety"} 0',
    ]),
  );
});

test('a run that failed moves its own time, and not that of the last success', () => {
  const lastRuns = { default: { endedAt: '2026-11-22T03:00:10.000Z', status: 'failed' as const, failed: 'x' } };
  const lines = metrics({ healthy: false, state: { ...state, lastRuns }, manifests: [manifest()] });
  expect(lines).toEqual(
    expect.arrayContaining([
      'davit_healthy 0',
      'davit_last_run_timestamp_seconds{set="default"} 1795316410',
      'davit_last_run_status{set="default",status="failed"} 1',
      'davit_last_success_timestamp_seconds{set="default"} 1795230010',
    ]),
  );
  expect(lines.filter((line) => line.startsWith('davit_last_run_duration_seconds'))).toEqual([]);
});

test('a container that was made anew knows its last run from the snapshots; incomplete and safety ones are no success', () => {
  const manifests = [
    manifest({ id: 'a', sequence: 3, reason: 'safety', endedAt: '2026-11-23T00:00:00Z' }),
    manifest({ id: 'b', sequence: 2, status: 'incomplete', endedAt: '2026-11-22T00:00:00Z', startedAt: '2026-11-21T23:59:00Z' }),
    manifest({ id: 'c', sequence: 1 }),
  ];
  expect(metrics({ manifests })).toEqual(
    expect.arrayContaining([
      'davit_last_run_timestamp_seconds{set="default"} 1795305600',
      'davit_last_run_duration_seconds{set="default"} 60',
      'davit_last_run_status{set="default",status="incomplete"} 1',
      'davit_last_success_timestamp_seconds{set="default"} 1795230010',
      'davit_snapshots{set="default",kind="safety"} 1',
    ]),
  );
});

test('drills, sets and an unknown storage', () => {
  const lastDrills = {
    app: { endedAt: '2026-11-21T03:00:10.000Z', failed: '/srv/secret-path: broken' },
    db: { endedAt: '2026-11-21T03:00:10.000Z' },
  };
  const lines = metrics({ state: { ...state, lastDrills }, manifests: undefined });
  expect(lines).toEqual(
    expect.arrayContaining([
      'davit_last_drill_success{set="app"} 0',
      'davit_last_drill_success{set="db"} 1',
      'davit_snapshots{set="db",kind="complete"} 0',
    ]),
  );
  expect(lines.join('\n')).not.toContain('secret-path');
});

test('every line is of the text format', () => {
  for (const line of metrics({ stack: 'a"b\\c', state, manifests: [manifest()] }).slice(0, -1))
    expect(line).toMatch(/^(# (HELP davit_\w+ .+|TYPE davit_\w+ gauge)|davit_\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)+\})? -?[\d.]+)$/);
});
