import { describe, expect, test } from 'vitest';
import type { Notice, Notifier } from '../../../src/notifiers/notifier.ts';
import { noticeOf, notify } from '../../../src/steps/notify.ts';
import { createRedactor } from '../../../src/redactor.ts';
import { manifest } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

const notice: Notice = { stack: 'shop', set: 'default', status: 'failed', error: 'no' };

function listening(notifiers: readonly Notifier[], signal = new AbortController().signal) {
  const warnings: object[] = [];
  const context = fakeContext({ containers: [] });
  return {
    warnings,
    context: { ...context, notifiers, signal, log: { ...context.log, warn: (fields: object) => void warnings.push(fields) } },
  };
}

test('who cannot be told is a warning, and the others are told all the same', async () => {
  const heard: Notice[] = [];
  const { warnings, context } = listening([
    { name: 'deaf', notify: async () => Promise.reject(new Error('gone')) },
    { name: 'good', notify: async (one) => void heard.push(one) },
  ]);
  await notify(context, notice);
  expect(heard).toEqual([notice]);
  expect(warnings).toEqual([{ notifier: 'deaf', error: 'gone' }]);
});

test('no secret of the stack leaves with an error or a warning, and numbers stay numbers', async () => {
  const heard: Notice[] = [];
  const redactor = createRedactor();
  redactor.protect(['123456', 'geheim']);
  const { context } = listening([{ name: 'good', notify: async (one) => void heard.push(one) }]);
  await notify({ ...context, redactor }, { ...notice, error: 'no geheim', warnings: ['nor 123456'], bytes: 1_234_567 });
  expect(heard).toEqual([{ ...notice, error: 'no [redacted]', warnings: ['nor [redacted]'], bytes: 1_234_567 }]);
});

test('being told to stop ends a notification under way, and a new one still has a moment', async () => {
  const stopping = new AbortController();
  const signals: AbortSignal[] = [];
  const { warnings, context } = listening(
    [
      {
        name: 'slow',
        notify: (_, signal) =>
          new Promise((_resolve, reject) => {
            signals.push(signal);
            signal.addEventListener('abort', () => reject(new Error('gave up')));
            stopping.abort();
          }),
      },
    ],
    stopping.signal,
  );
  await notify(context, notice);
  expect(warnings).toEqual([{ notifier: 'slow', error: 'gave up' }]);
  const late = listening([{ name: 'quick', notify: async (_, signal) => void signals.push(signal) }], AbortSignal.abort());
  await notify(late.context, notice);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
});

describe('what is told of', () => {
  test('a complete snapshot', () => {
    expect(noticeOf('shop', 'default', 7, { manifest: manifest() })).toEqual({
      stack: 'shop',
      set: 'default',
      status: 'complete',
      snapshot: manifest().id,
      durationMs: 7,
      bytes: manifest().artifacts[0]?.stored.bytes,
    });
  });

  test('an incomplete one, with everything that failed', () => {
    const failures = [
      { service: 'db', source: 'shop', error: 'locked' },
      { service: 'app', error: 'gone' },
    ];
    expect(noticeOf('shop', 'default', 7, { manifest: manifest({ status: 'incomplete', failures, warnings: ['w'] }) })).toMatchObject({
      status: 'incomplete',
      error: 'db/shop: locked\napp: gone',
      warnings: ['w'],
    });
  });

  test('a run that stored nothing', () => {
    expect(noticeOf('shop', 'a', 7, { error: new Error('no') })).toEqual({
      stack: 'shop',
      set: 'a',
      status: 'failed',
      error: 'no',
      durationMs: 7,
    });
  });
});
