#!/bin/bash
# First start: initdb, a temporary server without network, database, init scripts; then the real server.
set -euo pipefail

fail() { echo "Error: $*" >&2; exit 1; }

# variable NAME [DEFAULT] — $NAME, or what the file named by $NAME_FILE holds.
variable() {
  local file=${1}_FILE
  [ -z "${!1:-}" ] || [ -z "${!file:-}" ] || fail "both $1 and $file are set"
  if [ -n "${!file:-}" ]; then export "$1=$(<"${!file}")"; else export "$1=${!1:-${2:-}}"; fi
  unset "$file"
}

sql() { psql --no-psqlrc --set ON_ERROR_STOP=1 --no-password --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"; }

init_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) echo "running $file"; if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) echo "running $file"; sql --file "$file" ;;
      *.sql.gz) echo "running $file"; gzip -dc "$file" | sql ;;
      *.sql.xz) echo "running $file"; xz -dc "$file" | sql ;;
      *.sql.zst) echo "running $file"; zstd -dc "$file" | sql ;;
    esac
  done
}

initialise() {
  local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  [ -n "$POSTGRES_PASSWORD" ] || [ "$method" = trust ] ||
    fail "Database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD"
  if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then set -- --waldir "$POSTGRES_INITDB_WALDIR"; fi
  # The local socket and loopback are trusted, as in the official image; others need the password.
  if [ -n "$POSTGRES_PASSWORD" ]; then
    eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") "$@" '"$POSTGRES_INITDB_ARGS"
  else
    eval 'initdb --username="$POSTGRES_USER" "$@" '"$POSTGRES_INITDB_ARGS"
  fi
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  PGPASSWORD=$POSTGRES_PASSWORD pg_ctl --wait -o "-c listen_addresses=''" start
  export PGPASSWORD=$POSTGRES_PASSWORD
  if [ "$POSTGRES_DB" != postgres ]; then
    POSTGRES_DB=postgres sql --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
  fi
  init_scripts
  pg_ctl --wait --mode fast stop
  unset PGPASSWORD
  echo 'PostgreSQL init process complete; ready for start up.'
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "$1" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"}
    find "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} \! -user postgres -exec chown postgres {} +
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
  variable POSTGRES_PASSWORD
  variable POSTGRES_USER postgres
  variable POSTGRES_DB "$POSTGRES_USER"
  variable POSTGRES_INITDB_ARGS
  if [ ! -s "$PGDATA/PG_VERSION" ]; then initialise; fi
fi
exec "$@"
