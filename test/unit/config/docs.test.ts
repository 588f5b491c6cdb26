import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { environmentPage, labelsPage } from '../../../scripts/docs.ts';
import { environmentSchema } from '../../../src/config/environment.ts';
import { commandSchema, hookPhases, hookSchema, labels } from '../../../src/config/labels.ts';

const committed = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

/** The cells of the table row that begins with this name. */
function row(page: string, name: string): string[] | undefined {
  const line = page.split('\n').find((text) => text.startsWith(`| \`${name}\` | `));
  return line?.slice(2, -2).split(/ (?<!\\)\| /);
}

test.each([
  ['labels.md', labelsPage],
  ['environment.md', environmentPage],
])('docs/%s is what the schemas say: `npm run docs`', (name, page) => {
  expect(committed(name)).toBe(page());
});

describe('every name has a row with default, example and meaning', () => {
  test.each(Object.keys(labels))('davit.%s', (name) => {
    expect(row(labelsPage(), `davit.${name}`)).toHaveLength(4);
  });

  test.each(hookPhases)('davit.hook.%s', (phase) => {
    expect(row(labelsPage(), `davit.hook.${phase}`)).toHaveLength(2);
  });

  test.each(Object.keys(hookSchema.shape).filter((option) => option !== 'command'))('option .%s', (option) => {
    expect(row(labelsPage(), `.${option}`)).toHaveLength(4);
  });

  test.each(Object.keys(commandSchema.shape).filter((option) => option !== 'command'))('option .%s of a command', (option) => {
    expect(row(labelsPage(), `.${option}`)).toHaveLength(4);
  });

  test.each(Object.keys(environmentSchema.shape))('%s', (name) => {
    expect(row(environmentPage(), name)).toHaveLength(4);
  });
});

describe('what the pages promise is true', () => {
  const meta = (field: { meta(): unknown }) => field.meta() as { default?: string; example: string };

  test.each(Object.entries(labels))('the default and the example of davit.%s', (_, field) => {
    const { default: byDefault, example } = meta(field);
    expect(field.safeParse(example).success).toBe(true);
    if (byDefault) expect(field.parse(undefined)).toEqual(field.parse(byDefault));
  });

  test.each(Object.entries(hookSchema.shape))('the default and the example of the hook option %s', (_, field) => {
    const { default: byDefault, example } = meta(field);
    expect(field.safeParse(example).success).toBe(true);
    if (byDefault) expect(field.parse(undefined)).toEqual(field.parse(byDefault));
  });

  test.each(Object.entries(commandSchema.shape))('the default and the example of the command option %s', (_, field) => {
    const { default: byDefault, example } = meta(field);
    expect(field.safeParse(example).success).toBe(true);
    if (byDefault) expect(field.parse(undefined)).toEqual(field.parse(byDefault));
  });

  test.each(Object.entries(environmentSchema.shape))('the default and the example of %s', (_, field) => {
    const { default: byDefault, example } = meta(field);
    expect(field.safeParse(example).success).toBe(true);
    if (byDefault) expect(field.parse(undefined)).toEqual(field.parse(byDefault));
  });
});
