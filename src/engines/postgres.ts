import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Container } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { Access, Engine, Inspector, Inventory, Target } from './engine.ts';
import { createPgDumpInspector } from './pgdump-format.ts';
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

function prelude({ container, access }: Target): string {
  const { user, password } = login(container, access);
  return `export PGUSER=${user}${password === undefined ? '' : ` PGPASSWORD=${password}`}`;
}

/** No prompt ever, because nobody answers. */
const psql = 'psql -X -q --no-password -v ON_ERROR_STOP=1';

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

/** Roles that exist keep the password of the stack that is restored into: its services still log in with it. */
const savePasswords = `CREATE TEMP TABLE davit_roles AS SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL;`;
const putPasswordsBack = `SELECT format('ALTER ROLE %I PASSWORD %L', rolname, rolpassword) FROM davit_roles \\gexec`;

export const postgres: Engine = {
  name: 'postgres',
  accounts: '@roles',
  grantsObjects: false,
  dataDirectories: ['/var/lib/postgresql', '/bitnami/postgresql'],
  recognises: (container, processes) =>
    isImage(container, /^(postgres|postgis|timescaledb|pgvector|pgvecto-rs)/) ||
    (container.env['PGDATA'] !== undefined && Object.keys(container.env).some((name) => name.startsWith('POSTGRES_'))) ||
    processes.some((name) => name === 'postgres' || name === 'postmaster'),
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
        command: script(prelude(target), 'exec pg_dumpall --globals-only --no-password'),
        extension: 'sql',
        inspect: () => createGlobalsInspector(where),
      };
    }
    const options = target.access.options.map(quote).join(' ');
    return {
      command: script(
        prelude(target),
        `exec pg_dump --format=custom --compress=0 --lock-wait-timeout=60s --no-password ${options} -d ${quote(connection(database.name))}`,
      ),
      extension: 'pgdump',
      inspect: () => createPgDumpInspector(where),
    };
  },
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

/** Every CREATE ROLE of a role that is there already fails, and only that may fail: it is told by its English text, which only a superuser may ask for. */
const restoreRoles = [
  `export PGOPTIONS='-c lc_messages=C'`,
  `errors=$({ { echo ${quote(savePasswords)}; cat; echo ${quote(putPasswordsBack)}; } | psql -X -q --no-password -d template1; } 2>&1 >/dev/null | grep -E 'ERROR|FATAL|error:' | grep -v 'already exists$')`,
  `[ -z "$errors" ] || { printf '%s\\n' "$errors" >&2; exit 1; }`,
  `exec ${psql} -d template1 -c 'SELECT 1' >/dev/null`,
].join('\n');

/**
 * The old database is put aside under another name and comes back when the load fails; it goes only after the new one is whole.
 * A database that is aside when this starts is the real one of a restore that was killed.
 */
function restoreDatabase(name: string): string {
  const aside = `davit_before_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
  const admin = (...statements: string[]): string =>
    `${psql} -At -d template1 ${statements.map((statement) => `-c ${quote(statement)}`).join(' ')}`;
  const exists = (database: string): string => `[ "$(${admin(`SELECT 1 FROM pg_database WHERE datname = ${literal(database)}`)})" = 1 ]`;
  /** A template cannot be dropped. */
  const remove = (database: string): string[] => [
    `ALTER DATABASE ${identifier(database)} WITH IS_TEMPLATE false`,
    `DROP DATABASE ${identifier(database)}`,
  ];
  const close = (database: string): string[] => [
    `ALTER DATABASE ${identifier(database)} WITH ALLOW_CONNECTIONS false`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal(database)} AND pid <> pg_backend_pid()`,
  ];
  const drop = [...close(name), ...remove(name)];
  const back = admin(
    `ALTER DATABASE ${identifier(aside)} RENAME TO ${identifier(name)}`,
    `ALTER DATABASE ${identifier(name)} WITH ALLOW_CONNECTIONS true`,
  );
  return [
    `exec 3>/dev/null`,
    `if ${exists(aside)}; then if ${exists(name)}; then ${admin(...drop)} >&3 || exit 1; fi`,
    `elif ${exists(name)}; then ${admin(...close(name), `ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(aside)}`)} >&3 || exit 1; fi`,
    `if pg_restore --create --exit-on-error --no-password -d template1; then`,
    `  if ${exists(aside)}; then ${admin(...remove(aside))} >&3 || exit 1; fi`,
    `else`,
    `  rc=$?; if ${exists(name)}; then ${admin(...drop)} >&3; fi; if ${exists(aside)}; then ${back} >&3; fi; exit "$rc"`,
    `fi`,
  ].join('\n');
}

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

/** A name with `=` in it would be read as a connection string. */
function connection(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
