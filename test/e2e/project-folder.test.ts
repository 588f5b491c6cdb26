import { expect, test } from 'vitest';
import { presentServers } from '../support/databases.ts';
import { createStack } from '../support/stack.ts';

const server = (await presentServers()).find(({ name }) => name === 'postgres-17');
if (server === undefined) throw new Error('no server');

/** As people have it: the compose file, its data and the backups in one folder, and that folder archived. */
test('the folder of the project is archived without the snapshots and the files of a dumped database in it', async () => {
  await using stack = await createStack({
    services: { db: server.service({ volumes: ['./dbdata:/var/lib/postgresql/data'] }) },
    environment: { DAVIT_STORAGE: 'file:///project/backups' },
    davit: { volumes: ['./:/project'], labels: ['davit.files=/project'] },
    files: { 'notes.txt': 'before\n' },
  });
  await stack.up();
  const first = await stack.backup();
  const second = await stack.backup();
  const archive = `davit cat ${second.id} davit/files/project | tar -t`;
  const names = (await stack.sh('davit', archive)).split('\n').filter((name) => /^(\.\/)?(backups|dbdata)\/./.test(name));
  expect(names).toEqual([]);
  expect(await stack.sh('davit', archive)).toContain('compose.json');
  expect((await stack.davit('plan')).stdout).toMatch(/dbdata.*dumped/s);

  await stack.sh('davit', 'echo after > /project/notes.txt');
  await stack.restore(second.id, '--no-safety');
  expect(await stack.sh('davit', 'cat /project/notes.txt')).toBe('before');
  const kept = await stack.json<{ id: string }[]>(['list']);
  expect(kept.map(({ id }) => id)).toEqual(expect.arrayContaining([first.id, second.id]));
  expect((await stack.davit('verify')).exitCode).toBe(0);
});
