import { z } from 'zod';
import type { Command } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { Artifact, Table } from '../model/snapshot.ts';
import type { Inventory } from './engine.ts';
import { type Expression, quote, script } from './shell.ts';

/** What MariaDB and MySQL share: the catalogue is asked in JSON lines, so that no name can break the parsing. */

export interface Login {
  readonly user: Expression;
  readonly password: Expression | undefined;
}

/** The client would take its server from a variable that is meant for an app, and restore into that; the dump tool does not. */
const thisServer = 'unset MYSQL_HOST';

/** Rows alone, without their tables. */
export const leavesOut = /^(--no-create-info|-t)$/;

/** What every script begins with. */
export function logIn({ user, password }: Login): string {
  return `export MYSQL_PWD=${password ?? "''"}; user=${user}\n${thisServer}`;
}

const systemSchemas = `'mysql','information_schema','performance_schema','sys'`;

/** MariaDB takes every folder among its files for a database, such as the `lost+found` of a file system. */
const inventoryQuery = `
SELECT JSON_OBJECT('server', VERSION(), 'accounts', (SELECT COUNT(*) FROM information_schema.user_privileges WHERE privilege_type IN ('CREATE USER')) > 0);
SELECT JSON_OBJECT('name', s.schema_name, 'charset', s.default_character_set_name, 'collation', s.default_collation_name, 'unsafe',
  (SELECT COUNT(*) FROM information_schema.tables t WHERE t.table_schema = s.schema_name AND t.table_type = 'BASE TABLE' AND t.engine NOT IN ('InnoDB', 'ROCKSDB')), 'versioned',
  (SELECT COUNT(*) FROM information_schema.tables t WHERE t.table_schema = s.schema_name AND t.table_type = 'SYSTEM VERSIONED'))
FROM information_schema.schemata s WHERE s.schema_name NOT IN (${systemSchemas}) AND NOT (s.schema_name LIKE '#mysql50#%' AND
  NOT EXISTS (SELECT 1 FROM information_schema.tables t WHERE t.table_schema = s.schema_name)) ORDER BY s.schema_name;`.replaceAll(
  '\n',
  ' ',
);

export function sqlInventory(prelude: string, client: string, dumpTool: string): Command {
  return script(
    prelude,
    `printf '{"tool":"%s"}\\n' "$(${dumpTool} --version)"`,
    `exec ${client} --batch --raw --skip-column-names -e ${quote(inventoryQuery)}`,
  );
}

const line = z.union([
  z.object({ tool: z.string() }),
  z.object({ server: z.string(), accounts: z.union([z.boolean(), z.number()]) }),
  z.object({
    name: z.string(),
    charset: z.string(),
    collation: z.string(),
    unsafe: z.coerce.number(),
    versioned: z.coerce.number().default(0),
  }),
]);

export function readDatabases(stdout: string): Inventory {
  let [server, tool, accounts] = ['', '', false];
  const databases: Inventory['databases'][number][] = [];
  for (const text of jsonLines(stdout)) {
    const value = line.parse(text);
    if ('tool' in value) tool = value.tool;
    else if ('server' in value) [server, accounts] = [value.server, Boolean(value.accounts)];
    else {
      const warnings = [
        ...(value.unsafe > 0
          ? [
              `${value.unsafe} tables of database ${value.name} are not transactional (MyISAM, MEMORY …): writes during the dump may tear them`,
            ]
          : []),
        ...(value.versioned > 0
          ? [
              `${value.versioned} tables of database ${value.name} keep a history (SYSTEM VERSIONED): their current rows are dumped, the history is not`,
            ]
          : []),
      ];
      databases.push({ name: value.name, details: { charset: value.charset, collation: value.collation }, warnings });
    }
  }
  const warnings = accounts ? [] : ['this login may not read accounts: users and grants are not part of the backup — use root'];
  return { server, tool, databases, accounts, warnings };
}

/** Every JSON object of an output, one a line. */
export function jsonLines(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text) => {
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw new DavitError(
          { where: 'inventory', what: 'the database gave an answer that is not understood', seen: text.slice(0, 120) },
          { cause },
        );
      }
    });
}

/** Their rows are other tables', or lie elsewhere, and the dump tools leave them out. */
const external = `'MRG_MyISAM','MRG_ISAM','FEDERATED','CONNECT','OQGRAPH','SPIDER'`;

/** Counts every table of the database exactly; the statement is written by the server itself. */
export function sqlCensus(prelude: string, client: string, artifact: Artifact): Command {
  const schema = sqlString(artifact.database ?? '');
  const list =
    `SELECT CONCAT('SELECT JSON_OBJECT(', QUOTE('name'), ',', QUOTE(table_name), ',', QUOTE('rows'), ',', IF(engine IN (${external}), '0);', ` +
    `CONCAT('COUNT(*)) FROM \`', REPLACE(table_schema, '\`', '\`\`'), '\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`;'))) ` +
    `FROM information_schema.tables WHERE table_schema = ${schema} AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')`;
  const ask = `${client} --batch --raw --skip-column-names`;
  return script(prelude, `counts=$(${ask} -e ${quote(list)}) || exit`, `printf '%s\\n' "$counts" | ${ask}`);
}

export function readCensus(stdout: string): Table[] {
  return jsonLines(stdout).map((value) => z.object({ name: z.string(), rows: z.number() }).parse(value));
}

function sqlString(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** Says 1 to whoever may create accounts, as a root may. */
export const mayRestore = `--batch --skip-column-names -e ${quote(
  `SELECT COUNT(*) FROM information_schema.user_privileges WHERE privilege_type = 'CREATE USER' AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')`,
)}`;

/**
 * A row is longer in a dump than on its way into the table, up to twice as long, and the server refuses more than `max_allowed_packet`, however much
 * the client may send. So the server takes all that it can until the script ends. Where the login may not say so, its rows must be small.
 */
export function withRoom(client: string): string[] {
  const ask = `${client} --batch --skip-column-names`;
  return [
    `limit=$(${ask} -e 'SELECT @@GLOBAL.max_allowed_packet; SET GLOBAL max_allowed_packet = 1073741824' 2>/dev/null)`,
    `trap 'exit 143' HUP INT TERM; trap '${ask} -e "SET GLOBAL max_allowed_packet = $limit" 2>/dev/null' EXIT`,
  ];
}

/**
 * Creates accounts and gives them their grants. A grant on a database, table, column or routine that is not there (errors 1049, 1146, 1054, 1305) is said on
 * stderr and passed over; every other error counts, and so does a client that ended before its last statement.
 */
export function restoreSqlAccounts(client: string, statements: string): string {
  return [
    `output=$({ ${statements}; echo "SELECT 'davit: all said'"; } | ${client} --force --batch --skip-column-names mysql 2>&1)`,
    `printf '%s\\n' "$output" | grep '^ERROR' >&2`,
    `if printf '%s\\n' "$output" | grep '^ERROR' | grep -qvE '^ERROR (1049|1146|1054|1305) '; then exit 1; fi`,
    `printf '%s\\n' "$output" | grep -qx 'davit: all said' || { echo 'the client ended early' >&2; exit 1; }`,
  ].join('\n');
}
