import { expect, test } from 'vitest';
import { hooksOf } from '../../../src/steps/hooks.ts';
import { service } from '../../support/builders.ts';

test('hooks of a phase run by order of their service, then by its name, then by number', () => {
  const hook = (command: string, labels: Record<string, string> = {}) => ({
    labels: { 'davit.hook.before': `${command}0`, 'davit.hook.before.1': `${command}1`, 'davit.hook.after': 'other phase', ...labels },
  });
  const services = [service('c', hook('c')), service('b', hook('b', { 'davit.order': '1' })), service('a', hook('a')), service('none')];
  expect(hooksOf(services, 'before').map(({ service: { name }, hook: { command } }) => `${name} ${command}`)).toEqual([
    'a a0',
    'a a1',
    'c c0',
    'c c1',
    'b b0',
    'b b1',
  ]);
  expect(hooksOf(services, 'after-restore')).toEqual([]);
});
