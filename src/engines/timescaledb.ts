import { quote } from './shell.ts';

/** Calls a function of the extension, whose schema its owner chooses; nothing where the database has no hypertables. */
function call(name: string): string {
  const schema = `SELECT nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'timescaledb'`;
  return `DO $$ DECLARE s name := (${schema}); BEGIN IF s IS NOT NULL THEN EXECUTE format('SELECT %I.${name}()', s); END IF; END $$;`;
}

/** Ends what `pre_restore` began, and starts the jobs of a database that was closed or renamed. */
export const resumeHypertables = call('timescaledb_post_restore');

/**
 * Loads an archive of pg_dump into a new database, by way of its text: behind the extension, and before the tables, the server must be told that hypertables are being
 * restored. Otherwise it adds what the archive brings itself, and its jobs compress or drop chunks that are not filled yet. What ends that is said twice: the jobs' scheduler
 * may begin before the first one is committed, find that it must not run, and end for good.
 */
export function loadHypertables(psql: string): string {
  return [
    `status=$({ { pg_restore --create --file=-; echo $? >&5; } | {`,
    `  while IFS= read -r line; do`,
    `    printf '%s\\n' "$line"`,
    `    case $line in`,
    `    ('CREATE EXTENSION IF NOT EXISTS timescaledb '*) printf '%s\\n' ${quote(call('timescaledb_pre_restore'))}; break ;;`,
    `    ('COPY '*' FROM stdin;') break ;;`,
    `    esac`,
    `  done`,
    `  cat; printf '%s\\n' ${quote(resumeHypertables)} ${quote(resumeHypertables)}`,
    `} | ${psql} -d template1 >/dev/null; } 5>&1) && [ "$status" = 0 ]`,
  ].join('\n');
}
