#!/bin/bash
set -euo pipefail

case ${1:--} in -*) set -- mongod "$@" ;; esac
[ "$1" = mongod ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  find /data/db /data/configdb \! -user mongodb -exec chown mongodb:mongodb {} +
  exec setpriv --reuid=mongodb --regid=mongodb --init-groups "$0" "$@"
fi

for name in MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD; do
  file=${name}_FILE
  [ -z "${!file:-}" ] || export "$name=$(cat "${!file}")"
done
shell=(mongosh --quiet)
[ -z "${MONGO_INITDB_ROOT_USERNAME:-}" ] ||
  shell+=(--username "$MONGO_INITDB_ROOT_USERNAME" --password "$MONGO_INITDB_ROOT_PASSWORD" --authenticationDatabase admin)

# As in the official image, a temporary server that only this container reaches runs the scripts of the first start.
if [ ! -e /data/db/.initialised ]; then
  "$@" &
  until (: </dev/tcp/127.0.0.1/27017) 2>/dev/null; do kill -0 $! && sleep 0.1; done
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) . "$file" ;;
      *.js) "${shell[@]}" "${MONGO_INITDB_DATABASE:-test}" "$file" ;;
    esac
  done
  kill $!
  wait $! || :
  touch /data/db/.initialised
fi
exec "$@" --bind_ip_all
