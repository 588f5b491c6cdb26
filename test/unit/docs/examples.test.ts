import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseLabels } from '../../../src/config/parse-labels.ts';
import { examples, namedVolumes } from '../../support/examples.ts';

const page = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

test.each(examples)('README.md links compose-examples/$name', ({ name }) => {
  expect(page('README.md')).toContain(`](compose-examples/${name}/README.md)`);
});

test('docs/README.md lists every page', () => {
  const pages = readdirSync(new URL('../../../docs', import.meta.url)).filter((name) => name.endsWith('.md') && name !== 'README.md');
  expect(pages.filter((name) => !page('docs/README.md').includes(`](${name})`))).toEqual([]);
});

describe.each(examples)('compose-examples/$name', ({ compose, readme }) => {
  const services = Object.entries(compose.services);

  test('has Davit, with the socket and something to take care of', () => {
    expect(compose.services['davit']?.volumes).toContain('/var/run/docker.sock:/var/run/docker.sock');
    expect(services.filter(([, { labels }]) => Object.keys(labels).some((name) => name.startsWith('davit.')))).not.toEqual([]);
  });

  test.each(services)('%s has only labels that exist, with values that fit', (name, { labels }) => {
    expect(parseLabels(name, labels).problems.map(({ message }) => message)).toEqual([]);
  });

  test('declares the volumes that it uses, and no other', () => {
    expect(new Set(namedVolumes(compose))).toEqual(new Set(Object.keys(compose.volumes)));
  });

  test('explains every label that it uses', () => {
    const used = services.flatMap(([, { labels }]) => Object.keys(labels).filter((name) => name.startsWith('davit.')));
    expect(used.filter((name) => !readme.includes(name))).toEqual([]);
  });
});
