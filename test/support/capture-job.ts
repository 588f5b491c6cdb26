import type { Capture } from '../../src/steps/job.ts';

/** What a worker is told of a tree that is to be stored. */
export function captureJob(overrides: Partial<Capture> & Pick<Capture, 'root'>): Capture {
  return {
    kind: 'capture',
    address: { stack: 'shop', set: 'default', id: '20261121T030000Z-3f9a1c' },
    artifact: { service: 'app', name: 'files/data', extension: 'tar' },
    path: '/data',
    sqlite: 'auto',
    scratch: '',
    include: [],
    exclude: [],
    ...overrides,
  };
}
