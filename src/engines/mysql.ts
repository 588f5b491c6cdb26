import type { Container } from '../docker/docker.ts';
import type { Access, Engine, Target } from './engine.ts';
import { recreate } from './mariadb.ts';
import {
  leavesOut,
  logIn,
  mayRestore,
  readCensus,
  readDatabases,
  restoreSqlAccounts,
  sqlCensus,
  sqlInventory,
  withRoom,
  type Login,
} from './sql-server.ts';
import { createSqlInspector } from './sql-dump.ts';
import { firstVariable, isImage, namedPassword, quote, script } from './shell.ts';

function login(container: Container, access: Access): Login {
  const given = namedPassword(access);
  const root = firstVariable(container, ['MYSQL_ROOT_PASSWORD']);
  const own = firstVariable(container, ['MYSQL_PASSWORD']);
  const ownUser = firstVariable(container, ['MYSQL_USER']);
  if (access.user !== undefined || given !== undefined) return { user: quote(access.user ?? 'root'), password: given ?? root };
  if (root === undefined && own !== undefined && ownUser !== undefined && !container.env['MYSQL_ALLOW_EMPTY_PASSWORD'])
    return { user: ownUser, password: own };
  return { user: 'root', password: root };
}

function prelude({ container, access }: Target): string {
  return logIn(login(container, access));
}

const session = `--user="$user" --default-character-set=utf8mb4`;
const client = `mysql ${session}`;

/** Whoever has a default role comes last: an account can only be created with a role that exists. */
const listAccounts =
  `SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user u WHERE user NOT IN ('mysql.sys', 'mysql.session', 'mysql.infoschema') ` +
  `ORDER BY EXISTS (SELECT 1 FROM mysql.default_roles d WHERE d.user = u.user AND d.host = u.host), user, host`;

/**
 * MySQL's dump tool has no portable form of accounts, so the server writes the statements: passwords come as the hashes it stores.
 * Existing accounts keep their password (`IF NOT EXISTS`) and get the grants.
 */
const dumpAccounts = [
  `ask() { ${client} --batch --raw --skip-column-names --init-command='SET print_identified_with_as_hex=ON' "$@"; }`,
  `accounts=$(ask -e ${quote(listAccounts)}) || exit`,
  `create=$(printf '%s\\n' "$accounts" | sed 's/.*/SHOW CREATE USER &;/' | ask) || exit`,
  `grant=$(printf '%s\\n' "$accounts" | sed 's/.*/SHOW GRANTS FOR &;/' | ask) || exit`,
  `printf '%s\\n' "$create" | sed 's/^CREATE USER /CREATE USER IF NOT EXISTS /; s/$/;/'`,
  `printf '%s\\n' "$grant" | sed 's/$/;/'`,
  `echo '-- Dump completed'`,
];

export const mysql: Engine = {
  name: 'mysql',
  accounts: '@accounts',
  grantsObjects: true,
  dataDirectories: ['/var/lib/mysql', '/bitnami/mysql'],
  recognises: (container, processes) =>
    isImage(container, /^(mysql|percona)/) ||
    Object.keys(container.env).some((name) => name.startsWith('MYSQL_ROOT_')) ||
    processes.some((name) => name === 'mysqld'),
  leavesOut,
  inventory: (target) => sqlInventory(prelude(target), client, 'mysqldump'),
  readInventory: readDatabases,
  dump(target, database) {
    const where = `service "${target.container.labels['com.docker.compose.service'] ?? target.container.name}"`;
    const options = target.access.options.map(quote).join(' ');
    const command =
      database === undefined
        ? script(prelude(target), ...dumpAccounts)
        : script(
            prelude(target),
            `exec mysqldump ${session} --single-transaction --quick --skip-lock-tables --routines --events --triggers --hex-blob --set-gtid-purged=OFF --no-tablespaces --max-allowed-packet=512M ${options} -- ${quote(database.name)}`,
          );
    return { command, extension: 'sql', inspect: () => createSqlInspector(where, /^-- Dump completed/) };
  },
  restore(target, artifact) {
    const run = `${client} --binary-mode --max-allowed-packet=1G`;
    if (artifact.kind === 'accounts') return script(prelude(target), restoreSqlAccounts(run, 'cat'));
    return script(
      prelude(target),
      `${client} -e ${quote(recreate(artifact.database ?? '', artifact.details))} || exit`,
      ...withRoom(client),
      `${run} --database=${quote(artifact.database ?? '')}`,
    );
  },
  ready: (target) =>
    script(prelude(target), `mysqladmin --protocol=tcp --host=127.0.0.1 ping >/dev/null 2>&1 && exec ${client} ${mayRestore}`),
  readyInside: (target) => script(prelude(target), `exec ${client} ${mayRestore}`),
  census: (target, artifact) => (artifact.kind === 'accounts' ? undefined : sqlCensus(prelude(target), client, artifact)),
  readCensus,
};
