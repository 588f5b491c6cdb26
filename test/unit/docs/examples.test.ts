import { describe, expect, test } from 'vitest';
import { parseLabels } from '../../../src/config/parse-labels.ts';
import { examples, namedVolumes } from '../../support/examples.ts';

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
