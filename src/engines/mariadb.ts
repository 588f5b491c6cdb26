import type { Container } from '../docker/docker.ts';
import type { Access, Engine, Target } from './engine.ts';
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

/** Releases before 10.4.6 have only the `mysql*` names, releases from 11 only the `mariadb*` ones. */
const client = '"$(command -v mariadb || command -v mysql)"';
const dumpTool = '"$(command -v mariadb-dump || command -v mysqldump)"';
const admin = '"$(command -v mariadb-admin || command -v mysqladmin)"';

function login(container: Container, access: Access): Login {
  const given = namedPassword(access);
  const root = firstVariable(container, ['MARIADB_ROOT_PASSWORD', 'MYSQL_ROOT_PASSWORD']);
  const own = firstVariable(container, ['MARIADB_PASSWORD', 'MYSQL_PASSWORD']);
  const ownUser = firstVariable(container, ['MARIADB_USER', 'MYSQL_USER']);
  if (access.user !== undefined || given !== undefined) return { user: quote(access.user ?? 'root'), password: given ?? root };
  if (root === undefined && own !== undefined && ownUser !== undefined && !allowsEmpty(container)) return { user: ownUser, password: own };
  return { user: 'root', password: root };
}

function allowsEmpty({ env }: Container): boolean {
  return ['MARIADB_ALLOW_EMPTY_ROOT_PASSWORD', 'MYSQL_ALLOW_EMPTY_PASSWORD'].some((name) => env[name]);
}

function prelude({ container, access }: Target): string {
  return logIn(login(container, access));
}

const session = `--user="$user" --default-character-set=utf8mb4`;
const accountsMarker = /^-- Dump completed/;

/** `GRANT … IDENTIFIED BY` in the dump would overwrite the passwords of the stack that is restored into: accounts that exist there keep theirs. */
const savePasswords = `CREATE TABLE mysql.davit_accounts AS SELECT Host, User, Priv FROM mysql.global_priv;`;
const putPasswordsBack =
  `UPDATE mysql.global_priv now JOIN mysql.davit_accounts old ON now.Host = old.Host AND now.User = old.User SET now.Priv = ` +
  `JSON_MERGE_PATCH(now.Priv, JSON_OBJECT('plugin', JSON_VALUE(old.Priv, '$.plugin'), 'authentication_string', JSON_VALUE(old.Priv, '$.authentication_string')), ` +
  `JSON_OBJECT('auth_or', JSON_QUERY(old.Priv, '$.auth_or'))); DROP TABLE mysql.davit_accounts; FLUSH PRIVILEGES;`;

export const mariadb: Engine = {
  name: 'mariadb',
  accounts: '@accounts',
  grantsObjects: true,
  dataDirectories: ['/var/lib/mysql', '/bitnami/mariadb', '/config/databases'],
  recognises: (container, processes) =>
    isImage(container, /^mariadb/) ||
    Object.keys(container.env).some((name) => name.startsWith('MARIADB_ROOT_') || ['MARIADB_DATABASE', 'MARIADB_VERSION'].includes(name)) ||
    processes.some((name) => name === 'mariadbd'),
  leavesOut,
  inventory: (target) => sqlInventory(prelude(target), `${client} ${session}`, dumpTool),
  readInventory: readDatabases,
  dump(target, database) {
    const options = target.access.options.map(quote).join(' ');
    const what =
      database === undefined
        ? '--system=users --insert-ignore'
        : `--single-transaction --quick --skip-lock-tables --skip-add-locks --routines --events --triggers --hex-blob --max-allowed-packet=512M ${options} -- ${quote(database.name)}`;
    return {
      command: script(prelude(target), `exec ${dumpTool} ${session} ${what}`),
      extension: 'sql',
      inspect: () =>
        createSqlInspector(`service "${target.container.labels['com.docker.compose.service'] ?? target.container.name}"`, accountsMarker),
    };
  },
  restore(target, artifact) {
    // Locks in the dump would keep a default like NEXTVAL(other) from being read; a failing statement may hold what belongs in no log.
    const run = `${client} ${session} --binary-mode --max-allowed-packet=1G --loose-skip-print-query-on-error`;
    if (artifact.kind === 'accounts') {
      return script(
        prelude(target),
        `${client} ${session} -e ${quote('DROP TABLE IF EXISTS mysql.davit_accounts')} || exit`,
        restoreSqlAccounts(run, `{ echo ${quote(savePasswords)}; cat; echo ${quote(putPasswordsBack)}; }`),
      );
    }
    return script(
      prelude(target),
      `${client} ${session} -e ${quote(recreate(artifact.database ?? '', artifact.details))} || exit`,
      ...withRoom(`${client} ${session}`),
      `${run} --database=${quote(artifact.database ?? '')}`,
    );
  },
  ready: (target) =>
    script(prelude(target), `${admin} --protocol=tcp --host=127.0.0.1 ping >/dev/null 2>&1 && exec ${client} ${session} ${mayRestore}`),
  readyInside: (target) => script(prelude(target), `exec ${client} ${session} ${mayRestore}`),
  census: (target, artifact) => (artifact.kind === 'accounts' ? undefined : sqlCensus(prelude(target), `${client} ${session}`, artifact)),
  readCensus,
};

/**
 * MySQL and MariaDB cannot roll back DDL: the old database goes before the new one comes; the safety snapshot holds it. A transaction that
 * somebody left open would keep it from going for a day, and a foreign key of another database for ever.
 */
export function recreate(name: string, details: Readonly<Record<string, string>> = {}): string {
  const quoted = `\`${name.replaceAll('`', '``')}\``;
  const charset = details['charset'] === undefined ? '' : ` CHARACTER SET ${details['charset']}`;
  const collation = details['collation'] === undefined ? '' : ` COLLATE ${details['collation']}`;
  return `SET SESSION lock_wait_timeout = 60, foreign_key_checks = 0; DROP DATABASE IF EXISTS ${quoted}; CREATE DATABASE ${quoted}${charset}${collation}`;
}
