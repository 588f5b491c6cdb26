import { expect, test } from 'vitest';
import { verify } from '../../../src/commands/verify.ts';
import type { Context } from '../../../src/context.ts';
import type { Manifest } from '../../../src/model/snapshot.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { manifest } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';

const [old, young] = [manifest({ id: '20261120T030000Z-3f9a1c' }), manifest()];

/** A storage in which nothing of the old snapshot is found, with what it lists at first and then. */
function losing(...lists: readonly (readonly Manifest[])[]): Context {
  const remaining = [...lists];
  const repository: Pick<Repository, 'list' | 'check'> = {
    list: async () => ({ manifests: [...(remaining.shift() ?? [])], damaged: [] }),
    check: async () => [{ snapshot: old.id, artifact: 'db/shop', problem: 'is missing' }],
  };
  return { ...fakeContext({ containers: [] }), repository: repository as Repository };
}

test('a snapshot that retention removes while it is verified is not damaged', async () => {
  expect(await verify(losing([young, old], [young]), undefined, {})).toEqual({ verified: [young.id], problems: [], exitCode: 0 });
});

test('one that is still there is', async () => {
  expect(await verify(losing([young, old], [young, old]), undefined, {})).toMatchObject({
    verified: [young.id],
    problems: [expect.stringContaining('db/shop: is missing')],
    exitCode: 1,
  });
});
