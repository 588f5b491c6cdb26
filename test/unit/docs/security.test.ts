import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { endpoints } from '../../../src/docker/endpoints.ts';

test('SECURITY.md lists exactly the endpoints of Docker that are used', () => {
  const text = readFileSync(new URL('../../../SECURITY.md', import.meta.url), 'utf8');
  const listed = /```text endpoints\n([^`]*)```/.exec(text)?.[1]?.trim().split('\n');
  expect(listed).toEqual(Object.values(endpoints).map(({ method, path, reason }) => `${method} ${path} — ${reason}`));
});
