import { expect, test } from 'vitest';
import { describeDrill, drillOnSchedule, exitCodeOfDrill } from '../../../src/commands/drill.ts';
import { readState } from '../../../src/commands/health.ts';
import type { DrillReport } from '../../../src/model/drill.ts';
import { failureOf } from '../../../src/model/drill.ts';
import { configurationError, DavitError } from '../../../src/model/errors.ts';
import { tried } from '../../../src/steps/drilled.ts';
import type { Notice } from '../../../src/notifiers/notifier.ts';
import { artifact } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

const report: DrillReport = {
  set: 'default',
  snapshot: '20261121T030000Z-3f9a1c',
  startedAt: '2026-11-21T05:00:00Z',
  ms: 12_340,
  artifacts: [
    { artifact: 'db/shop', how: 'restored', ms: 4000, tables: 3, rows: 1200, image: 'mariadb:11.8', note: 'loaded with another image' },
    { artifact: 'app/files/data', how: 'unpacked', ms: 50, entries: 7 },
  ],
};
const broken: DrillReport = {
  ...report,
  artifacts: [...report.artifacts, { artifact: 'db/stats', how: 'restored', ms: 1, error: 'x: broken — mend it' }],
};
const nothing: DrillReport = { set: 'other', startedAt: '', ms: 0, artifacts: [], error: 'has no complete snapshot' };

test('a drill is told artifact by artifact', () => {
  expect(describeDrill(report).split('\n')).toEqual([
    'snapshot 20261121T030000Z-3f9a1c of set default: can be restored; tried in 12.3 s',
    'ok db/shop: restored, into a new mariadb:11.8, 3 tables with 1200 rows as in the manifest, loaded with another image, 4.0 s',
    'ok app/files/data: unpacked, 7 entries as they are stored, 0.1 s',
    'Apps were not started, and the containers and volumes of this drill are gone.',
  ]);
  expect(describeDrill(broken)).toMatch(/: 1 of 3 artifacts cannot be restored;.*\nx {2}db\/stats: x: broken — mend it\n/s);
  expect(describeDrill(nothing)).toBe('x set other: nothing to try — has no complete snapshot');
});

test('one artifact or one set that fails is a failure', () => {
  expect([[report], [report, broken], [nothing, report]].map(exitCodeOfDrill)).toEqual([0, 1, 1]);
  expect([report, broken, nothing].map(failureOf)).toEqual([undefined, 'db/stats: x: broken — mend it', 'has no complete snapshot']);
});

const { signal } = new AbortController();

test('what fails is a result, with the advice of a drill', async () => {
  const failing = () => Promise.reject(new DavitError({ where: 'db/shop', what: 'table t is missing', fix: 'the safety snapshot has it' }));
  expect(await tried(artifact(), 'restored', signal, failing)).toMatchObject({
    artifact: 'db/shop',
    how: 'restored',
    error: 'db/shop: table t is missing — do not rely on this artifact: mend the cause, run `davit backup`, and drill again',
  });
  expect(await tried(artifact(), 'read', signal, async () => ({ rows: 1 }))).not.toHaveProperty('error');
});

test('a stop of Davit and a missing key are no result', async () => {
  const stopped = AbortSignal.abort(new Error('told to stop'));
  await expect(tried(artifact(), 'read', stopped, () => Promise.reject(new Error('cut')))).rejects.toThrow('told to stop');
  const key = configurationError({ where: 'DAVIT_IDENTITY', what: 'is not set' });
  await expect(tried(artifact(), 'read', signal, () => Promise.reject(key))).rejects.toBe(key);
});

test('who is to be notified, and the health check, hear that a scheduled drill could not even begin', async () => {
  const heard: Notice[] = [];
  const notifier = { name: 'good', notify: async (notice: Notice) => void heard.push(notice) };
  await drillOnSchedule({ ...fakeContext({ containers: [], self: undefined }), notifiers: [notifier] }, 'shop');
  expect(heard).toEqual([
    {
      stack: 'shop',
      set: undefined,
      status: 'failed',
      error: expect.stringMatching(/a drill could not .*: davit: cannot tell which container/),
    },
  ]);
  expect((await readState()).lastDrills).toMatchObject({ default: { failed: expect.stringMatching(/cannot tell which container/) } });
});
