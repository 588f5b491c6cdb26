import { expect, test } from 'vitest';
import { emptyServers } from '../../../src/model/emptiness.ts';
import type { Artifact } from '../../../src/model/snapshot.ts';
import { artifact, filesArtifact } from '../../support/builders.ts';

const accounts = artifact({ name: '@roles', kind: 'accounts' });
const database = (tables?: readonly string[]) =>
  artifact(tables === undefined ? {} : { tables: tables.map((name) => ({ name, rows: 0 })) });

test.each<[string, Artifact[], number]>([
  ['a database without a table', [accounts, database([])], 1],
  ['no database at all', [accounts], 1],
  ['one of two has a table', [accounts, database([]), database(['t'])], 0],
  ['what holds no tables is not known to be empty', [database()], 0],
  ['files are no server', [filesArtifact('app', '/data', { tables: [] })], 0],
])('%s', (_, artifacts, expected) => {
  expect(emptyServers(artifacts, [])).toHaveLength(expected);
});

test('a server of which something failed is told as that', () => {
  expect(emptyServers([accounts], [{ service: 'db', error: 'no' }])).toEqual([]);
  expect(emptyServers([accounts], [{ service: 'app', error: 'no' }])).toEqual(['db: the server is empty, no database of it holds a table']);
});
