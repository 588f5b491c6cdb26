#!/bin/bash
set -euo pipefail

case ${1:--} in -*) set -- mongod "$@" ;; esac
[ "$1" = mongod ] || exec "$@"

if [ -n "${MONGO_INITDB_ROOT_USERNAME:-}${MONGO_INITDB_ROOT_USERNAME_FILE:-}" ]; then
  echo 'This stand-in knows no users: leave MONGO_INITDB_ROOT_USERNAME out' >&2
  exit 1
fi

if [ "$(id -u)" = 0 ]; then
  find /data/db /data/configdb \! -user mongodb -exec chown mongodb:mongodb {} +
  exec setpriv --reuid=mongodb --regid=mongodb --init-groups "$0" "$@"
fi

# As in the official image, a temporary server that only this container reaches runs the scripts of the first start.
if [ ! -e /data/db/.initialised ]; then
  "$@" &
  until (: </dev/tcp/127.0.0.1/27017) 2>/dev/null; do kill -0 $! && sleep 0.1; done
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) . "$file" ;;
      *.js) mongosh --quiet "${MONGO_INITDB_DATABASE:-test}" "$file" ;;
    esac
  done
  kill $!
  wait $! || :
  touch /data/db/.initialised
fi
exec "$@" --bind_ip_all
