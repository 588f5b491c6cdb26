import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adaptRoles } from '../../../src/engines/postgres-restore.ts';

test('grants of a superuser are given by the one that is here; folders of tablespaces are made; nothing else changes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'davit-roles-'));
  const place = join(folder, `fast $HOME "x"`);
  const roles = [
    'CREATE ROLE "Al ice";',
    'ALTER ROLE "Al ice" WITH SUPERUSER INHERIT LOGIN PASSWORD \'a\\n$HOME\';',
    'ALTER ROLE m WITH NOSUPERUSER INHERIT;',
    'GRANT g TO m WITH ADMIN OPTION, INHERIT TRUE GRANTED BY "Al ice";',
    'GRANT g TO n WITH INHERIT TRUE GRANTED BY m;',
    `CREATE TABLESPACE fast OWNER "Al ice" LOCATION '${place}';`,
    "COMMENT ON ROLE m IS '  two",
    "\tlines \\';",
    '',
  ].join('\n');
  const { stdout, stderr } = spawnSync('sh', ['-c', `owner=$(id -u):$(id -g)\n${adaptRoles}`], { input: roles, encoding: 'utf8' });
  expect(stdout).toBe(roles.replace(' INHERIT TRUE GRANTED BY "Al ice";', ' INHERIT TRUE;'));
  expect(stderr).toBe('');
  expect(statSync(place).mode & 0o777).toBe(0o700);
  rmSync(folder, { recursive: true });
});
