import { expect, test } from 'vitest';
import { presentServers } from '../support/databases.ts';
import { until } from '../support/docker.ts';
import { createStack } from '../support/stack.ts';

const servers = (await presentServers()).filter(({ name }) => ['mariadb-11.8', 'postgres-17'].includes(name));
const go = '/tmp/go';

test('a server that its first start is still filling is not dumped, and is when it is full', async () => {
  const script = '/docker-entrypoint-initdb.d/slow.sh';
  await using stack = await createStack({
    services: Object.fromEntries(servers.map((server) => [server.name, server.service({ volumes: [`./slow.sh:${script}:ro`] })])),
    files: { 'slow.sh': `touch /tmp/began; until [ -e ${go} ]; do sleep 0.1; done\n` },
  });
  const { exitCode } = await stack.compose('up', '-d');
  expect(exitCode).toBe(0);
  for (const { name } of servers) {
    const isLoading = async () => (await stack.compose('exec', '-T', name, 'test', '-e', '/tmp/began')).exitCode === 0;
    await until(`${name} runs its script`, isLoading, 60_000);
  }

  const { exitCode: early, stderr } = await stack.davit('backup');
  expect(early).toBe(1);
  for (const { name } of servers) expect(stderr).toMatch(new RegExp(`service \\\\"${name}\\\\": its server starts for the first time`));

  for (const { name } of servers) await stack.sh(name, `touch ${go}`);
  await stack.up();
  expect((await stack.backup()).status).toBe('complete');
});
