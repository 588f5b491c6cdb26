import { expect, test } from 'vitest';
import { writerMark } from '../../../src/steps/writer-mark.ts';
import { composeContainer, container } from '../../support/builders.ts';

const davit = (overrides: Parameters<typeof composeContainer>[1] = {}) =>
  writerMark(composeContainer('davit', { id: 'a', networks: ['n2', 'n1'], ...overrides }));

test('a recreated Davit is the same writer, whatever the order of its networks', () => {
  expect(davit({ id: 'b', networks: ['n1', 'n2'] })).toBe(davit());
  expect(davit()).toMatch(/^[0-9a-f]{4}$/);
});

test('on another machine, in another stack, beside the first or by `compose run` it is another', () => {
  const oneoff = { 'com.docker.compose.oneoff': 'True' };
  const all = [davit(), davit({ networks: ['n3'] }), davit({ project: 'blog' }), davit({ number: 2 }), davit({ labels: oneoff })];
  expect(new Set(all).size).toBe(all.length);
  expect(davit({ labels: oneoff })).not.toBe(davit({ id: 'b', labels: oneoff }));
});

test('without compose or a network, only the container itself counts', () => {
  expect(writerMark(container({ id: 'a', networks: ['n1'] }))).not.toBe(writerMark(container({ id: 'b', networks: ['n1'] })));
  expect(davit({ networks: [] })).not.toBe(davit({ id: 'b', networks: [] }));
});
