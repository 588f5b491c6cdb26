import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Repository } from '../../../src/repository/repository.ts';
import { exportArtifacts } from '../../../src/steps/export.ts';
import { filesArtifact, manifest } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

test('a volume that is mounted inside another one is unpacked where it lies in that, whatever it is called', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'davit-unit-'));
  const into: string[] = [];
  const extract: Repository['extract'] = async (_manifest, _artifact, root) => void into.push(root.slice(folder.length));
  const artifacts = ['/data', '/data/in ner', '/data/in ner/ü', '/my data', '/data2'].map((path) => filesArtifact('app', path));
  try {
    const context = { ...fakeContext({ containers: [] }), repository: { extract } as Repository };
    await exportArtifacts(context, manifest({ artifacts }), artifacts, folder);
    expect(into).toEqual(['data', 'data/in ner', 'data/in ner/ü', 'my%20data', 'data2'].map((path) => `/app/files/${path}`));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
