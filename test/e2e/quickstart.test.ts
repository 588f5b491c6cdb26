import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { overrideFor } from '../../scripts/stand-ins.ts';
import type { Manifest } from '../../src/model/snapshot.ts';

const example = join(import.meta.dirname, '../../compose-examples/quickstart/compose.yaml');
const project = 'davit-test-quickstart';

/** The fenced blocks of docs/restore.md that say how it goes by hand. */
async function blocksOfManual(): Promise<Map<string, string>> {
  const text = await readFile(new URL('../../docs/restore.md', import.meta.url), 'utf8');
  return new Map([...text.matchAll(/```bash test=([\w-]+)\n([\s\S]*?)```/g)].map(([, name = '', block = '']) => [name, block]));
}

test('the quickstart is restored without Davit, by the commands of docs/restore.md', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'davit-by-hand-'));
  const override = join(folder, 'stand-ins.json');
  await writeFile(override, overrideFor(example));
  const variables = { COMPOSE_PROJECT_NAME: project, COMPOSE_FILE: `${example}:${override}`, COMPOSE_PROGRESS: 'quiet' };
  const bash = async (script: string, more: Record<string, string> = {}): Promise<string> =>
    (await execa('bash', ['-euo', 'pipefail', '-c', script], { env: { ...variables, ...more }, stdin: 'ignore' })).stdout;
  const contents = (): Promise<string> =>
    bash(`docker compose exec -T app sh -c 'cat /data/hello; stat -c %u:%g:%a /data/hello' </dev/null
      docker compose exec -T shop-db mariadb -uroot -pchange-me -N -e 'SELECT id, what FROM shop.orders ORDER BY id' </dev/null
      docker compose exec -T shop-db mariadb -uclerk -pclerk-pw -h127.0.0.1 -N -e 'SELECT COUNT(*) FROM shop.orders' </dev/null
      docker compose exec -T stats-db psql -U postgres -At -d stats -c 'SELECT count(*), sum(id) FROM visits' </dev/null
      docker compose exec -T stats-db psql -U postgres -At -d stats -c "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'visits'" </dev/null`);
  try {
    await bash('docker compose up --detach --wait');
    await bash(`docker compose exec -T app sh -c 'echo hello > /data/hello; chown 12:34 /data/hello; chmod 0640 /data/hello'
      docker compose exec -T shop-db mariadb -uroot -pchange-me shop -e "CREATE TABLE orders (id INT PRIMARY KEY, what TEXT); INSERT INTO orders VALUES (1, 'a horse 🐴'), (2, 'a boat'); CREATE USER clerk@'%' IDENTIFIED BY 'clerk-pw'; GRANT SELECT ON shop.* TO clerk@'%'"
      docker compose exec -T stats-db psql -U postgres -q -d stats -c 'CREATE ROLE analyst' -c 'CREATE TABLE visits AS SELECT generate_series(1, 1000) AS id' -c 'ALTER TABLE visits OWNER TO analyst'`);
    const before = await contents();
    const [{ manifest }] = JSON.parse(await bash('docker compose exec -T davit davit backup --json')) as [{ manifest: Manifest }];

    await bash(`docker compose rm -s -f -v app shop-db stats-db && docker volume rm ${project}_files ${project}_shop ${project}_stats`);
    const blocks = await blocksOfManual();
    const names = ['fetch-folder', 'check', 'plain', 'files', 'mariadb', 'postgres', 'start'];
    const steps = [
      'mkdir "$SNAPSHOT"',
      ...names.map((name) => blocks.get(name) ?? `echo 'docs/restore.md has no block ${name}' >&2; exit 1`),
    ];
    await bash(steps.join('\n'), {
      STACK: project,
      SET: 'default',
      ID: manifest.id,
      SNAPSHOT: join(folder, 'snapshot'),
      BACKUPS: `${project}_backups`,
      VOLUME: `${project}_files`,
      PASSWORD: 'change-me',
      TOOLS: 'davit-test/app',
    });
    expect(await contents()).toBe(before);
  } finally {
    await bash('docker compose down --volumes --timeout 3');
    await rm(folder, { recursive: true, force: true });
  }
});
