#!/bin/bash
# First start: data directory, a temporary server without network, accounts, init scripts; then the real server.
set -euo pipefail

socket=/run/mysqld/mysqld.sock
data=/var/lib/mysql

say() { echo "[Entrypoint] $*" >&2; }
fail() { say "ERROR: $*"; exit 1; }

# variable NAME — sets $NAME from MYSQL_NAME, or from the file that MYSQL_NAME_FILE names.
variable() {
  local plain=MYSQL_$1 file=MYSQL_$1_FILE
  [ -z "${!plain:-}" ] || [ -z "${!file:-}" ] || fail "both $plain and $file are set"
  if [ -n "${!file:-}" ]; then printf -v "$1" %s "$(<"${!file}")"; else printf -v "$1" %s "${!plain:-}"; fi
}

quoted() { # a string literal
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\\\'}"
}

accounts() {
  echo "SET @@SESSION.SQL_LOG_BIN=0;"
  echo "ALTER USER root@localhost IDENTIFIED BY $(quoted "$ROOT_PASSWORD");"
  if [ "${ROOT_HOST:=%}" != localhost ]; then
    echo "CREATE USER root@$(quoted "$ROOT_HOST") IDENTIFIED BY $(quoted "$ROOT_PASSWORD");"
    echo "GRANT ALL ON *.* TO root@$(quoted "$ROOT_HOST") WITH GRANT OPTION;"
  fi
  if [ -n "$DATABASE" ]; then echo "CREATE DATABASE IF NOT EXISTS \`$DATABASE\`;"; fi
  if [ -n "$USER" ] && [ -n "$PASSWORD" ]; then
    echo "CREATE USER $(quoted "$USER")@'%' IDENTIFIED BY $(quoted "$PASSWORD");"
    if [ -n "$DATABASE" ]; then echo "GRANT ALL ON \`${DATABASE//_/\\_}\`.* TO $(quoted "$USER")@'%';"; fi
  fi
}

client() { MYSQL_PWD=$ROOT_PASSWORD mysql --no-defaults --protocol=socket --socket=$socket --user=root --binary-mode --comments "$@"; }

init_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) say "running $file"; if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) say "running $file"; client ${DATABASE:+"$DATABASE"} <"$file" ;;
      *.sql.gz) say "running $file"; gzip -dc "$file" | client ${DATABASE:+"$DATABASE"} ;;
      *.sql.xz) say "running $file"; xz -dc "$file" | client ${DATABASE:+"$DATABASE"} ;;
      *.sql.zst) say "running $file"; zstd -dc "$file" | client ${DATABASE:+"$DATABASE"} ;;
    esac
  done
}

initialise() { # SERVER-COMMAND…
  local name server
  for name in ROOT_PASSWORD ROOT_HOST DATABASE USER PASSWORD ALLOW_EMPTY_PASSWORD RANDOM_ROOT_PASSWORD ONETIME_PASSWORD; do variable "$name"; done
  if [ -n "$RANDOM_ROOT_PASSWORD" ]; then
    ROOT_PASSWORD=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    say "GENERATED ROOT PASSWORD: $ROOT_PASSWORD"
  fi
  [ -n "$ROOT_PASSWORD$ALLOW_EMPTY_PASSWORD" ] ||
    fail "Database is uninitialized and password option is not specified: set one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD and MYSQL_RANDOM_ROOT_PASSWORD"

  say "Initializing database files"
  "$@" --initialize-insecure
  "$@" --skip-networking --mysqlx=OFF --socket=$socket &
  server=$!
  until mysqladmin --no-defaults --socket=$socket --user=root ping >/dev/null 2>&1; do
    kill -0 $server 2>/dev/null || fail "the temporary server did not start"
    sleep 0.1
  done
  say "Temporary server started"
  accounts | MYSQL_PWD= mysql --no-defaults --protocol=socket --socket=$socket --user=root --binary-mode
  init_scripts
  if [ -n "$ONETIME_PASSWORD" ]; then client <<<"ALTER USER root@$(quoted "$ROOT_HOST") PASSWORD EXPIRE;"; fi
  kill $server
  wait $server
  say "MySQL init process done. Ready for start up."
}

if [ "${1:0:1}" = - ]; then set -- mysqld "$@"; fi
if [ "$1" = mysqld ]; then
  if [ "$(id -u)" = 0 ]; then
    find $data /run/mysqld \! -user mysql -exec chown mysql:mysql {} +
    exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
  fi
  if [ ! -d $data/mysql ]; then initialise "$@"; fi
fi
exec "$@"
