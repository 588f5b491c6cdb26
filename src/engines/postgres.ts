import { z } from 'zod';
import type { Container } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { Access, Engine, Inspector, Inventory, Target } from './engine.ts';
import { dumpDatabase } from './postgres-dump.ts';
import { createPgDumpInspector } from './pgdump-format.ts';
import { connection, psql, restoreDatabase, restoreRoles } from './postgres-restore.ts';
import { type Expression, firstVariable, isImage, namedPassword, quote, script } from './shell.ts';
import { jsonLines, readCensus } from './sql-server.ts';

function login(container: Container, access: Access): { user: Expression; password: Expression | undefined } {
  const given = namedPassword(access);
  const user = access.user === undefined ? firstVariable(container, ['POSTGRES_USER', 'POSTGRESQL_USERNAME']) : quote(access.user);
  return {
    user: user ?? 'postgres',
    password: given ?? firstVariable(container, ['POSTGRES_PASSWORD', 'POSTGRESQL_POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD']),
  };
}

/** What `ALTER DATABASE … SET` and `ALTER ROLE … SET` say to apps must not hold for a dump or a restore: they would be refused. A login that labels name may need its role. */
function settings({ user }: Access): string {
  return `-c default_transaction_read_only=off${user === undefined ? ' -c role=none' : ''}`;
}

function prelude({ container, access }: Target): string {
  const { user, password } = login(container, access);
  return `export PGUSER=${user}${password === undefined ? '' : ` PGPASSWORD=${password}`}\nexport PGOPTIONS="$PGOPTIONS ${settings(access)}"`;
}

const mayRestore = `${psql} -At -d template1 -c 'SELECT rolsuper::int FROM pg_roles WHERE rolname = current_user'`;

const inventoryQuery =
  `SELECT json_build_object('server', current_setting('server_version'), 'super', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) ` +
  `UNION ALL SELECT * FROM (SELECT json_build_object('name', datname, 'owner', pg_get_userbyid(datdba), 'encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype, 'open', datallowconn) ` +
  `FROM pg_database WHERE datname NOT IN ('template0', 'template1') ORDER BY datname) AS databases`;

const line = z.union([
  z.object({ tool: z.string() }),
  z.object({ server: z.string(), super: z.boolean() }),
  z.object({
    name: z.string(),
    owner: z.string(),
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    open: z.boolean().default(true),
  }),
]);

const censusQuery =
  `SELECT json_build_object('name', n.nspname || '.' || c.relname, 'rows', (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM ONLY %I.%I', n.nspname, c.relname), false, true, '')))[1]::text::bigint) ` +
  `FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`;

/** pg_dumpall forgets what is set for all roles in all databases. A list of names is stored as it is written. */
const settingsOfAll =
  `SELECT format('ALTER ROLE ALL SET %I TO %s;', name, CASE WHEN name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries') ` +
  `THEN value ELSE quote_literal(value) END) FROM (SELECT split_part(line, '=', 1) AS name, substr(line, strpos(line, '=') + 1) AS value ` +
  `FROM pg_db_role_setting, unnest(setconfig) AS line WHERE setrole = 0 AND setdatabase = 0) AS settings`;

export const postgres: Engine = {
  name: 'postgres',
  accounts: '@roles',
  grantsObjects: false,
  dataDirectories: ['/var/lib/postgresql', '/bitnami/postgresql'],
  recognises: (container, processes) =>
    isImage(container, /^(postgres|postgis|timescaledb|pgvector|pgvecto-rs)/) ||
    (container.env['PGDATA'] !== undefined && Object.keys(container.env).some((name) => name.startsWith('POSTGRES_'))) ||
    processes.some((name) => name === 'postgres' || name === 'postmaster'),
  leavesOut: /^(--data-only|-a|--section=(data|post-data))$/,
  inventory: (target) =>
    script(
      prelude(target),
      `printf '{"tool":"%s"}\\n' "$(pg_dump --version)"`,
      `exec ${psql} -At -d template1 -c ${quote(inventoryQuery)}`,
    ),
  readInventory(stdout): Inventory {
    let [server, tool, accounts] = ['', '', false];
    const databases: Inventory['databases'][number][] = [];
    const warnings: string[] = [];
    for (const text of jsonLines(stdout)) {
      const value = line.parse(text);
      if ('tool' in value) tool = value.tool;
      else if ('server' in value) [server, accounts] = [value.server, value.super];
      else if (!value.open)
        warnings.push(`database ${value.name} allows no connections, so it cannot be dumped and is not part of the backup`);
      else
        databases.push({
          name: value.name,
          details: { owner: value.owner, encoding: value.encoding, collate: value.collate, ctype: value.ctype },
          warnings: [],
        });
    }
    if (!accounts) warnings.push('this login is no superuser and may not read roles: they are not part of the backup');
    return { server, tool, databases, accounts, warnings };
  },
  dump(target, database) {
    const where = `service "${target.container.labels['com.docker.compose.service'] ?? target.container.name}"`;
    if (database === undefined) {
      return {
        command: script(
          prelude(target),
          `${psql} -At -d template1 -c ${quote(settingsOfAll)} || exit`,
          'exec pg_dumpall --globals-only --no-password',
        ),
        extension: 'sql',
        inspect: () => createGlobalsInspector(where),
      };
    }
    return {
      command: script(prelude(target), dumpDatabase(database.name, target.access.options)),
      extension: 'pgdump',
      inspect: () => createPgDumpInspector(where, target.access.options),
    };
  },
  /** pg_restore reads no archive of a newer pg_dump, and roles are written in words that an older server does not know. */
  canLoad: (dumped, server) => Number.parseInt(dumped) <= Number.parseInt(server),
  restore: (target, artifact) =>
    script(prelude(target), artifact.kind === 'accounts' ? restoreRoles : restoreDatabase(artifact.database ?? '')),
  ready: (target) => script(prelude(target), `pg_isready -q -h 127.0.0.1 && exec ${mayRestore}`),
  readyInside: (target) => script(prelude(target), `exec ${mayRestore}`),
  census: (target, artifact) =>
    artifact.kind === 'accounts'
      ? undefined
      : script(prelude(target), `exec ${psql} -At -d ${quote(connection(artifact.database ?? ''))} -c ${quote(censusQuery)}`),
  readCensus,
};

function createGlobalsInspector(where: string): Inspector {
  let tail = '';
  return {
    see(chunk) {
      tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 1024))).slice(-1024);
    },
    conclude() {
      if (/^-- PostgreSQL database cluster dump complete$/m.test(tail)) return undefined;
      throw new DavitError({
        where,
        what: 'the dump of roles has no end marker, so it is not complete',
        seen: `it ends with "${tail.trim().slice(-80)}"`,
      });
    },
  };
}
