#!/bin/bash
# First start: data directory, a temporary server without network, accounts, init scripts; then the real server.
set -euo pipefail

socket=/run/mysqld/mysqld.sock
data=/var/lib/mysql

say() { echo "[Entrypoint] $*" >&2; }
fail() { say "ERROR: $*"; exit 1; }

# variable NAME — sets $NAME from MARIADB_NAME, MYSQL_NAME, or the file that their _FILE form names.
variable() {
  local prefix plain file
  printf -v "$1" %s ''
  for prefix in MARIADB MYSQL; do
    plain=${prefix}_$1 file=${prefix}_$1_FILE
    [ -z "${!plain:-}" ] || [ -z "${!file:-}" ] || fail "both $plain and $file are set"
    if [ -n "${!plain:-}" ]; then printf -v "$1" %s "${!plain}"; return; fi
    if [ -n "${!file:-}" ]; then printf -v "$1" %s "$(<"${!file}")"; return; fi
  done
}

quoted() { # a string literal
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\\\'}"
}

secret() { # PASSWORD HASH — how an account identifies itself
  if [ -n "$2" ]; then printf 'IDENTIFIED BY PASSWORD %s' "$(quoted "$2")"; else printf 'IDENTIFIED BY %s' "$(quoted "$1")"; fi
}

accounts() {
  local health
  # mariadb-install-db leaves anonymous accounts, which shadow the others on the socket, and roots without password.
  echo "SET @@SESSION.SQL_LOG_BIN=0;"
  echo "DELETE FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys') OR Host <> 'localhost';"
  echo "DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost'; FLUSH PRIVILEGES;"
  echo "ALTER USER root@localhost $(secret "$ROOT_PASSWORD" "$ROOT_PASSWORD_HASH");"
  if [ "${ROOT_HOST:=%}" != localhost ]; then
    echo "CREATE USER root@$(quoted "$ROOT_HOST") $(secret "$ROOT_PASSWORD" "$ROOT_PASSWORD_HASH");"
    echo "GRANT ALL ON *.* TO root@$(quoted "$ROOT_HOST") WITH GRANT OPTION;"
    echo "GRANT PROXY ON ''@'%' TO root@$(quoted "$ROOT_HOST") WITH GRANT OPTION;"
  fi
  if [ -n "$MYSQL_LOCALHOST_USER" ]; then
    echo "CREATE USER mysql@localhost IDENTIFIED VIA unix_socket;"
    echo "GRANT ${MYSQL_LOCALHOST_GRANTS:-USAGE} ON *.* TO mysql@localhost;"
  fi
  if [ -n "$DATABASE" ]; then echo "CREATE DATABASE IF NOT EXISTS \`$DATABASE\`;"; fi
  if [ -n "$USER" ] && [ -n "$PASSWORD$PASSWORD_HASH" ]; then
    echo "CREATE USER $(quoted "$USER")@'%' $(secret "$PASSWORD" "$PASSWORD_HASH");"
    if [ -n "$DATABASE" ]; then echo "GRANT ALL ON \`${DATABASE//_/\\_}\`.* TO $(quoted "$USER")@'%';"; fi
  fi
  health=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  for host in 127.0.0.1 ::1 localhost; do echo "CREATE USER healthcheck@'$host' IDENTIFIED BY '$health';"; done
  ( umask 077; printf '[mariadb-client]\nport=3306\nuser=healthcheck\npassword=%s\n' "$health" >$data/.my-healthcheck.cnf )
}

client() { MYSQL_PWD=$ROOT_PASSWORD mariadb --no-defaults --protocol=socket --socket=$socket --user=root --binary-mode --comments "$@"; }

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
  for name in ROOT_PASSWORD ROOT_PASSWORD_HASH ROOT_HOST DATABASE USER PASSWORD PASSWORD_HASH ALLOW_EMPTY_ROOT_PASSWORD \
    ALLOW_EMPTY_PASSWORD RANDOM_ROOT_PASSWORD MYSQL_LOCALHOST_USER MYSQL_LOCALHOST_GRANTS; do variable "$name"; done
  if [ -n "$RANDOM_ROOT_PASSWORD" ]; then
    ROOT_PASSWORD=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    say "GENERATED ROOT PASSWORD: $ROOT_PASSWORD"
  fi
  [ -n "$ROOT_PASSWORD$ROOT_PASSWORD_HASH$ALLOW_EMPTY_ROOT_PASSWORD$ALLOW_EMPTY_PASSWORD" ] ||
    fail "Database is uninitialized and password option is not specified: set one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD"

  say "Initializing database files"
  mariadb-install-db --datadir=$data --auth-root-authentication-method=normal --skip-test-db --rpm >/dev/null
  "$@" --skip-networking --socket=$socket &
  server=$!
  until mariadb-admin --no-defaults --socket=$socket --user=root ping >/dev/null 2>&1; do
    kill -0 $server 2>/dev/null || fail "the temporary server did not start"
    sleep 0.1
  done
  say "Temporary server started"
  accounts | MYSQL_PWD= mariadb --no-defaults --protocol=socket --socket=$socket --user=root --binary-mode
  if [ -z "$ROOT_PASSWORD_HASH" ]; then init_scripts; fi
  kill $server
  wait $server
  say "MariaDB init process done. Ready for start up."
}

if [ "${1:0:1}" = - ]; then set -- mariadbd "$@"; fi
if [ "$1" = mysqld ]; then shift; set -- mariadbd "$@"; fi
if [ "$1" = mariadbd ]; then
  if [ "$(id -u)" = 0 ]; then
    find $data /run/mysqld \! -user mysql -exec chown mysql:mysql {} +
    exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
  fi
  if [ ! -d $data/mysql ]; then initialise "$@"; fi
fi
exec "$@"
