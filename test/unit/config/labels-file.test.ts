import { expect, test } from 'vitest';
import { readLabelsFile } from '../../../src/config/labels-file.ts';

const reading = (text: string) => () => readLabelsFile('/stack/davit.yaml', () => text);

test('without a file there are no labels', () => {
  expect(readLabelsFile(undefined)).toEqual({});
});

test('numbers and booleans are what a label would hold', () => {
  expect(reading('services:\n  app:\n    davit.enable: true\n    davit.order: 3\n')()).toEqual({
    app: { 'davit.enable': 'true', 'davit.order': '3' },
  });
});

test.each([
  ['services: {app: {enable: true}}', /every key starts with davit\./],
  ['service: {}', /services/],
  ['services: {app: [a]}', /services\.app/],
  ['services: {app: {', /DAVIT_LABELS_FILE \/stack\/davit\.yaml: cannot be used/],
])('%s is refused', (text, message) => {
  expect(reading(text)).toThrow(message);
});

test('a file that cannot be read is named', () => {
  expect(() => readLabelsFile('/nowhere/davit.yaml')).toThrow(/\/nowhere\/davit\.yaml: cannot be used: ENOENT/);
});
