import { connection, psql } from './postgres-restore.ts';
import { quote } from './shell.ts';

/** None of these statements takes a snapshot. What this login may not read, the options leave out. So many that `pg_dump` might find no room for its own locks are not locked. */
const lockTables =
  `SELECT 'SET lock_timeout = ''60s''; BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE ' || string_agg(format('ONLY %I.%I', n.nspname, c.relname), ', ') || ' IN ACCESS SHARE MODE;' ` +
  `FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ` +
  `AND has_table_privilege(c.oid, 'SELECT') HAVING count(*) <= current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int / 4`;

/** They take a moment of their own. */
const isOfAnotherMoment = /^--(snapshot|serializable-deferrable)/;

/**
 * What TRUNCATE empties and ALTER TABLE rewrites is empty in every snapshot that was taken before, and `pg_dump` locks the tables only after it has taken its own. So a
 * session that has locked them first lends it its snapshot. Where that cannot be had, `pg_dump` goes by itself.
 */
export function dumpDatabase(name: string, options: readonly string[]): string {
  const database = quote(connection(name));
  const dump = (more: string): string =>
    `pg_dump --format=custom --compress=0 --lock-wait-timeout=60s --no-password ${options.map(quote).join(' ')} ${more}-d ${database}`;
  const alone = `exec ${dump('')}`;
  if (options.some((option) => isOfAnotherMoment.test(option))) return alone;
  const lend = [`SELECT pg_export_snapshot() AS snapshot \\gset`, `\\setenv SNAPSHOT :snapshot`];
  const borrow = `\\! ${dump('--snapshot="$SNAPSHOT" ')} >&4; echo $? >&3`;
  return [
    `exec 4>&1; rc=`,
    `locks=$(${psql} -At -d ${database} -c ${quote(lockTables)}) || locks=`,
    `[ -z "$locks" ] || rc=$(printf '%s\\n' "$locks" ${[...lend, borrow].map(quote).join(' ')} | ${psql} -d ${database} 3>&1 >/dev/null)`,
    `[ -z "$rc" ] || exit "$rc"`,
    alone,
  ].join('\n');
}
