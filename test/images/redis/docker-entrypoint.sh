#!/bin/sh
set -eu

server=$FLAVOUR-server
case ${1:--} in -* | *.conf) set -- "$server" "$@" ;; esac
if [ "$1" = "$server" ]; then
  if [ "$(id -u)" = 0 ]; then
    find . \! -user "$FLAVOUR" -exec chown "$FLAVOUR:$FLAVOUR" {} +
    exec setpriv --reuid="$FLAVOUR" --regid="$FLAVOUR" --init-groups "$0" "$@"
  fi
  umask 0077
  # The official builds have protected mode off; Debian's has not.
  case " $* " in *protected-mode* | *" --version "* | *" --help "*) ;; *) set -- "$@" --protected-mode no ;; esac
fi
exec "$@"
