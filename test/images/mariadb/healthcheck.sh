#!/bin/bash
# healthcheck.sh [--connect] [--mariadbupgrade] [--innodb_initialized] — over TCP: the temporary server does not count.
set -eu

query() { mariadb --defaults-file=/var/lib/mysql/.my-healthcheck.cnf --protocol=tcp --host=127.0.0.1 --skip-ssl --batch --skip-column-names -e "$1" 2>&1; }

for check in "${@:---connect}"; do
  case $check in
    --connect) answer=$(query 'SELECT 1') || [[ $answer == *"ERROR 1045"* ]] ;; # refused by a live server: it is alive
    --mariadbupgrade) ;; # there is never anything to upgrade
    --innodb_initialized) [ "$(query "SELECT 1 FROM information_schema.ENGINES WHERE engine = 'innodb' AND support IN ('YES', 'DEFAULT')")" = 1 ] ;;
    *) echo "healthcheck.sh: unknown check $check" >&2; exit 2 ;;
  esac
done
