#!/bin/bash
# At each start: variables for the scripts, and, beside the server, databases and accounts that are missing.
set -euo pipefail

sql() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@"; }

account() { # USER PASSWORD DATABASE
  sql --dbname postgres --command "CREATE DATABASE $3" || true
  [ "$(sql -tA --dbname postgres --command "SELECT count(*) FROM pg_roles WHERE rolname = '$1'")" = 0 ] || return 0
  sql --dbname postgres --single-transaction --set password="$2" <<<"CREATE ROLE $1 LOGIN PASSWORD :'password'; ALTER DATABASE $3 OWNER TO $1;"
}

provide() {
  sleep 2
  until pg_isready --quiet --host 127.0.0.1; do sleep 0.2; done
  sql --dbname "$POSTGRES_DB" --command 'CREATE EXTENSION IF NOT EXISTS ltree'
  account "$APPENGINE_USER" "$APPENGINE_PASSWORD" "$APPENGINE_DB"
  account "$IAM_USER" "$IAM_PASSWORD" "$IAM_DB"
}

printenv | grep ^POSTGRES >/tmp/cytomine.postgis.env
{ provide || true; } &
exec "$@"
