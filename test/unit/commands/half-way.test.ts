import { expect, test } from 'vitest';
import { endedEarly } from '../../../src/commands/half-way.ts';
import { DavitError } from '../../../src/model/errors.ts';

const running = new AbortController().signal;
const stopped = AbortSignal.abort(new DavitError({ where: 'davit', what: 'was told to stop', fix: 'the next run starts over' }));
const failure = new DavitError({ where: 'volume', what: 'is full', fix: 'free space' });

test.each([
  ['nothing', running, 'volume: is full — free space; nothing was replaced'],
  ['something', running, 'volume: is full — free space; the restore ended half-way: `davit restore S` brings back what was there before'],
  ['everything', running, 'volume: is full — free space; all data are restored'],
  ['something', stopped, 'restore: was told to stop — the restore ended half-way: `davit restore S` brings back what was there before'],
  ['everything', stopped, 'restore: was told to stop — free space; all data are restored'],
] as const)('a restore that ends when it has replaced %s says so, and the way back', (reached, signal, says) => {
  expect(endedEarly(failure, signal, reached, 'S').message).toBe(says);
});

test('without a safety snapshot, the way is forward', () => {
  expect(endedEarly(new Error('broken'), running, 'something', undefined).message).toBe(
    'restore: broken — the restore ended half-way and nothing was saved first: restore again',
  );
});
