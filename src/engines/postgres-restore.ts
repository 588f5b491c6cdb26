import { createHash } from 'node:crypto';
import { quote } from './shell.ts';
import { loadHypertables, resumeHypertables } from './timescaledb.ts';

/** No prompt ever, because nobody answers. */
export const psql = 'psql -X -q --no-password -v ON_ERROR_STOP=1';

/** Roles that exist keep the password of the stack that is restored into: its services still log in with it. */
const savePasswords = `CREATE TEMP TABLE davit_roles AS SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL;`;
const putPasswordsBack = `SELECT format('ALTER ROLE %I PASSWORD %L', rolname, rolpassword) FROM davit_roles \\gexec`;

/**
 * Passes the roles on, line by line. Since version 16 only the first superuser may be the one who has granted as a superuser, and here it may have another name.
 * The folder of a tablespace is not there on an empty host, or belongs to root.
 */
export const adaptRoles = [
  `supers='|'; while IFS= read -r line; do`,
  `  case $line in`,
  `  'ALTER ROLE '*' WITH SUPERUSER '*) name=\${line#ALTER ROLE }; supers="$supers\${name%% WITH SUPERUSER *}|" ;;`,
  `  'GRANT '*' GRANTED BY '*';') name=\${line##* GRANTED BY }; case $supers in *"|\${name%;}|"*) line="\${line% GRANTED BY *};" ;; esac ;;`,
  `  'CREATE TABLESPACE '*" LOCATION '/"*"';") folder=\${line##* LOCATION ?}; folder=\${folder%??}; mkdir -p "$folder" 2>/dev/null`,
  `    [ -n "$(ls -A "$folder" 2>&1)" ] || { chown "$owner" "$folder" && chmod 700 "$folder"; } 2>/dev/null ;;`,
  `  esac`,
  `  printf '%s\\n' "$line"`,
  `done`,
].join('\n');

/** Every CREATE ROLE of a role that is there already fails, and only that may fail: it is told by its English text, which only a superuser may ask for. */
export const restoreRoles = [
  `export PGOPTIONS="$PGOPTIONS -c lc_messages=C"`,
  `owner=$(stat -c %u:%g "$(${psql} -At -d template1 -c 'SHOW data_directory')")`,
  `errors=$({ { echo ${quote(savePasswords)}; ${adaptRoles}; echo ${quote(putPasswordsBack)}; } | psql -X -q --no-password -d template1; } 2>&1 >/dev/null | grep -E 'ERROR|FATAL|error:' | grep -v 'already exists$')`,
  `[ -z "$errors" ] || { printf '%s\\n' "$errors" >&2; exit 1; }`,
  `exec ${psql} -d template1 -c 'SELECT 1' >/dev/null`,
].join('\n');

/**
 * The old database is put aside under another name and comes back when the load fails; it goes only after the new one is whole.
 * A database that is aside when this starts is the real one of a restore that was killed.
 */
export function restoreDatabase(name: string): string {
  const aside = `davit_before_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
  const admin = (...statements: string[]): string =>
    `${psql} -At -d template1 ${statements.map((statement) => `-c ${quote(statement)}`).join(' ')}`;
  const exists = (database: string): string => `[ "$(${admin(`SELECT 1 FROM pg_database WHERE datname = ${literal(database)}`)})" = 1 ]`;
  const close = (database: string): string[] => [
    `ALTER DATABASE ${identifier(database)} WITH ALLOW_CONNECTIONS false`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal(database)} AND pid <> pg_backend_pid()`,
  ];
  const subscriptions = (database: string): string =>
    admin(`SELECT count(*) FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = ${literal(database)})`);
  /** Neither a database with subscriptions nor a template can be dropped. The slots at the publisher stay, for the subscriptions that the dump brings back. */
  const drop = (database: string): string =>
    `{ [ "$(${subscriptions(database)})" = 0 ] || { ${admin(`ALTER DATABASE ${identifier(database)} WITH ALLOW_CONNECTIONS true`)} >&3 && ` +
    `${psql} -d ${quote(connection(database))} -c ${quote(unsubscribe)} >&3; }; } && ` +
    `${admin(...close(database), `ALTER DATABASE ${identifier(database)} WITH IS_TEMPLATE false`, `DROP DATABASE ${identifier(database)}`)} >&3`;
  const back = admin(
    `ALTER DATABASE ${identifier(aside)} RENAME TO ${identifier(name)}`,
    `ALTER DATABASE ${identifier(name)} WITH ALLOW_CONNECTIONS true`,
  );
  const resume = `${psql} -d ${quote(connection(name))} -c ${quote(resumeHypertables)}`;
  return [
    `exec 3>/dev/null`,
    `load() { case $(${admin('SHOW shared_preload_libraries')} 2>&3) in`,
    `(*timescaledb*) ${loadHypertables(psql)} ;;`,
    `(*) pg_restore --create --exit-on-error --no-password -d template1 ;;`,
    `esac; }`,
    `if ${exists(aside)}; then if ${exists(name)}; then ${drop(name)} || exit 1; fi`,
    `elif ${exists(name)}; then ${admin(...close(name), `ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(aside)}`)} >&3 || exit 1; fi`,
    `if load; then`,
    `  if ${exists(aside)}; then ${drop(aside)} || exit 1; fi`,
    `else`,
    `  rc=$?; if ${exists(name)}; then ${drop(name)}; fi; if ${exists(aside)}; then ${back} >&3 && ${resume} >&3; fi; exit "$rc"`,
    `fi`,
  ].join('\n');
}

const unsubscribe =
  `DO $$ DECLARE s name; BEGIN FOR s IN SELECT subname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database() LOOP ` +
  `EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', s); EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', s); EXECUTE format('DROP SUBSCRIPTION %I', s); ` +
  `END LOOP; END $$`;

/** A name with `=` in it would be read as a connection string. */
export function connection(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
