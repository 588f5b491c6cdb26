import { expect, test } from 'vitest';
import { configurationError, DavitError, exitCodes, factOf, firstOf, messageOf, sentence } from '../../../src/model/errors.ts';

test.each([
  [{ where: 'service "db"', what: 'is gone' }, 'service "db": is gone'],
  [{ where: 'service "db"', what: 'is gone', seen: 'exit 1' }, 'service "db": is gone: exit 1'],
  [{ where: 'service "db"', what: 'is gone', fix: 'start it' }, 'service "db": is gone — start it'],
  [{ where: 'service "db"', what: 'is gone', seen: 'exit 1', fix: 'start it' }, 'service "db": is gone: exit 1 — start it'],
  [{ where: 'service "db"', what: 'is gone', seen: '', fix: '' }, 'service "db": is gone'],
])('an error reads where, what, seen, do: %j', (complaint, expected) => {
  expect(sentence(complaint)).toBe(expected);
  expect(new DavitError(complaint).message).toBe(expected);
});

test('an error is a failure unless it is about configuration', () => {
  const complaint = { where: 'a', what: 'b' };
  expect(new DavitError(complaint).exitCode).toBe(exitCodes.failed);
  expect(configurationError(complaint).exitCode).toBe(exitCodes.configuration);
});

test('the cause is kept, and absent when there is none', () => {
  const cause = new Error('inner');
  expect(new DavitError({ where: 'a', what: 'b' }, { cause }).cause).toBe(cause);
  expect(new DavitError({ where: 'a', what: 'b' })).not.toHaveProperty('cause');
});

test('the message of anything that can be thrown', () => {
  expect(messageOf(new Error('one'))).toBe('one');
  expect(messageOf('text')).toBe('text');
  expect(messageOf(undefined)).toBe('undefined');
  expect(messageOf(new AggregateError([new Error('one'), new AggregateError(['two', new Error('three')])], 'many'))).toBe(
    'one; two; three',
  );
});

test('the fact is the message without what to do', () => {
  expect(factOf(new DavitError({ where: 'pack 1', what: 'is damaged', seen: 'its hash', fix: 'use another snapshot' }))).toBe(
    'pack 1: is damaged: its hash',
  );
  expect(factOf(new Error('one'))).toBe('one');
});

test('the exit codes are a contract with users', () => {
  expect(exitCodes).toEqual({ ok: 0, failed: 1, configuration: 2, partial: 3 });
});

test('where leaving a scope fails as well, the first reason is told', () => {
  const [first, second] = [new Error('the disk is full'), new Error('the disk is still full')];
  expect(messageOf(new SuppressedError(second, first))).toBe('the disk is full');
  expect(firstOf(new SuppressedError(new Error('third'), new SuppressedError(second, first)))).toBe(first);
});
