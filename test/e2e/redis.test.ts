import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { until } from '../support/docker.ts';
import { redis, type RedisServer, valkey } from '../support/redis.ts';
import { createStack } from '../support/stack.ts';

const password = `planted-pw "in" $$the command`;
const servers = [redis, valkey];

test('redis-7 and valkey-8: everything comes back, into empty servers and over other content', async () => {
  await using stack = await createStack({
    services: {
      [redis.name]: redis.service(['--requirepass', password, '--appendonly', 'yes'], {
        environment: { TEST_PASSWORD: password },
      }),
      [valkey.name]: valkey.service(['--save', '60 1000'], { environment: { TEST_PASSWORD: '', REDIS_PASSWORD: 'of something else' } }),
    },
    volumes: servers.map(({ name }) => name),
  });
  await stack.up();
  await Promise.all(servers.map((server) => server.seed(stack)));
  const before = new Map<RedisServer, string[]>();
  const isAsBefore = async (when: string): Promise<void> => {
    for (const server of servers) expect.soft(await server.describe(stack), `${server.name} ${when}`).toEqual(before.get(server));
  };

  const manifest = await stack.backup();
  for (const server of servers) before.set(server, await server.describe(stack));
  expect(manifest.failures).toEqual([]);
  expect(JSON.stringify(manifest) + (await stack.davit('plan')).stdout).not.toContain('planted-pw');
  for (const { service, name, extension, tables, server } of manifest.artifacts) {
    expect.soft([name, extension], service).toEqual(['redis', 'rdb']);
    expect.soft(server, service).toMatch(/^(Redis 7|Valkey 8)\.\d/);
    expect.soft(tables, service).toEqual([
      { name: 'db0', rows: 3018 },
      { name: 'db3', rows: 1 },
      { name: 'db15', rows: 1 },
    ]);
  }

  await stack.wipe(
    servers.map(({ name }) => name),
    servers.map(({ name }) => name),
  );
  await stack.up();
  await stack.restore('latest');
  await isAsBefore('after the restore into an empty server');

  for (const server of servers)
    await server.run(stack, 'SELECT 3\nSET in:three other\nSET more x\nSELECT 5\nSET in:five x\nSELECT 0\nDEL list hash');
  await stack.restore('latest');
  await isAsBefore('after the restore over other content');
  for (const server of servers) {
    const state = await server.run(stack, 'INFO replication\nCONFIG GET masterauth\nSET written yes');
    expect.soft(state, server.name).toMatch(/role:master[^]*connected_slaves:0/);
    expect.soft(await stack.sh(server.name, 'ls -A /data'), server.name).not.toContain('davit-restore');
    await server.run(stack, 'DEL written');
  }

  const filter = `label=com.docker.compose.project=${stack.project}`;
  const events = await execa('docker', ['events', '--since', '5m', '--until', String(Math.floor(Date.now() / 1000)), '--filter', filter]);
  expect(events.stdout).toContain('$DAVIT_SERVER_PASSWORD');
  expect(events.stdout + (await stack.compose('logs', 'davit')).stdout).not.toContain('planted-pw');

  await stack.compose('kill', ...servers.map(({ name }) => name));
  await stack.up();
  await isAsBefore('after a crash');
  expect(await stack.leftovers()).toEqual([]);
});

const passwords = { server: 'planted "server" pw', backup: 'planted-backup-pw', file: `planted 'file' pw` };

test('passwords in files, an account that may only dump, no place to write; a wrong password is refused', async () => {
  await using stack = await createStack({
    services: {
      [redis.name]: redis.service([], {
        command: ['redis-server', '/etc/redis-test.conf'],
        environment: { TEST_PASSWORD: passwords.server, TEST_PORT: '7777' },
        volumes: ['redis-7:/data', './redis.conf:/etc/redis-test.conf:ro'],
        labels: ['davit.dump.user=backup', 'davit.dump.password-file=/run/secrets/backup'],
        secrets: ['backup'],
        read_only: true,
      }),
      [valkey.name]: valkey.service([], {
        command: [
          'sh',
          '-c',
          'exec valkey-server --dir /etc --save "" --repl-diskless-sync-delay 0 --protected-mode no --requirepass "$$(cat /run/secrets/file)"',
        ],
        environment: { TEST_PASSWORD: passwords.file, TEST_PORT: '6379' },
        volumes: [],
        secrets: ['file'],
        read_only: true,
      }),
    },
    volumes: [redis.name],
    files: {
      'redis.conf': [
        'port 7777',
        'protected-mode no',
        `requirepass '${passwords.server}'`,
        'masterauth "some \\"thing\\" else"',
        'save ""',
        'repl-diskless-sync-delay 0',
        `user backup on >${passwords.backup} ~* +ping +info +sync +psync +replconf`,
        '',
      ].join('\n'),
      backup: `${passwords.backup}\n`,
      file: passwords.file,
    },
    top: { secrets: { backup: { file: './backup' }, file: { file: './file' } } },
  });
  await stack.up();
  for (const server of servers) await server.run(stack, 'SET precious one\nHSET hash f v');
  const whole = await stack.backup();
  expect(whole.artifacts.map(({ tables }) => tables)).toEqual(servers.map(() => [{ name: 'db0', rows: 2 }]));

  for (const server of servers) await server.run(stack, 'FLUSHALL\nSET worthless one');
  await stack.restore('latest');
  for (const server of servers)
    expect
      .soft(await server.run(stack, 'GET precious\nDBSIZE\nCONFIG GET repl-diskless-load'), server.name)
      .toMatch(/one\n2\n.*\ndisabled/);

  await redis.run(stack, 'ACL SETUSER backup >other <planted-backup-pw');
  const [partial] = await stack.json<{ manifest: { failures: { error: string }[] } }[]>(['backup'], 3);
  expect(partial?.manifest.failures.map(({ error }) => error)).toEqual([expect.stringMatching(/redis does not answer.*AUTH failed/)]);
});

test('a dump that is cut off is refused, though its tool ends well', async () => {
  await using stack = await createStack({ services: { [redis.name]: redis.service([]) }, volumes: [redis.name] });
  await stack.up();
  await redis.seed(stack);
  await stack.sh(
    redis.name,
    'cat >/usr/local/bin/redis-cli; chmod +x /usr/local/bin/redis-cli',
    '#!/bin/sh\ncase "$*" in *--rdb*) /usr/bin/redis-cli "$@" | head -c 1000 ;; *) exec /usr/bin/redis-cli "$@" ;; esac\n',
  );
  const { exitCode, stderr } = await stack.davit('backup');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/service ."redis-7.": the dump is not complete/);
});

test('a dump is restored by hand, as docs/restore.md says, into a server with an append-only file', async () => {
  const manual = await readFile(new URL('../../docs/restore.md', import.meta.url), 'utf8');
  const block = /```bash test=redis\n([^]*?)```/.exec(manual)?.[1] ?? 'exit 1';
  await using stack = await createStack({ services: { [redis.name]: redis.service(['--appendonly', 'yes']) }, volumes: [redis.name] });
  await stack.up();
  await redis.seed(stack);
  await stack.backup();
  const before = await redis.describe(stack);
  await redis.run(stack, 'FLUSHALL\nSET other x');

  const plain = `plain() { docker compose exec -T davit davit cat latest ${redis.name}/redis </dev/null; }`;
  await execa('bash', ['-euo', 'pipefail', '-c', `${plain}\n${block.replaceAll('cache', redis.name)}`], {
    stdin: 'ignore',
    env: {
      COMPOSE_PROJECT_NAME: stack.project,
      COMPOSE_FILE: stack.file,
      COMPOSE_PROGRESS: 'quiet',
      CACHE: `${stack.project}_${redis.name}`,
    },
  });
  expect(await redis.describe(stack)).toEqual(before);
});

test('Davit is killed while the server loads: the server takes writes again, and nothing is left behind', async () => {
  await using stack = await createStack({ services: { [redis.name]: redis.service([]) }, volumes: [redis.name] });
  await stack.up();
  await redis.seed(stack);
  await stack.backup();
  await redis.run(stack, 'FLUSHALL\nCONFIG SET key-load-delay 1500\nCONFIG SET loading-process-events-interval-bytes 1024');

  const restore = stack.davit('restore', 'latest', '--yes', '--no-safety');
  const state = (): Promise<string> => redis.run(stack, 'INFO replication\nINFO persistence');
  await until('the server loads what the passing server sends', async () => /role:slave[^]*\nloading:1/.test(await state()));
  await stack.compose('kill', 'davit');
  await restore;
  await until('the server is a master again', async () => /role:master/.test(await state()));
  await until('nothing is left', async () => !(await stack.sh(redis.name, 'ls /data')).includes('davit-restore'));
  await redis.run(stack, 'SET written yes');
  expect(await stack.sh(redis.name, "cat /proc/[0-9]*/comm | grep -c '^redis-server'")).toBe('1');
});
