#!/usr/bin/env bash
# A Docker engine with compose v2 and buildx. An engine that answers is used as it is: neither its
# settings nor its containers are touched; only client plugins that are missing are added.
set -euo pipefail
cd "$(dirname "$0")"
. ./shared.sh

log=/var/log/dockerd.log

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
has_compose() { docker compose version --short 2>/dev/null | grep -Eq '^v?[2-9]'; }
has_buildx() { docker buildx version >/dev/null 2>&1; }

wait_until_answers() { # SECONDS [PID] — or until that process has ended
  local deadline=$((SECONDS + $1))
  until answers; do
    [ $SECONDS -lt $deadline ] && { [ -z "${2:-}" ] || kill -0 "$2" 2>/dev/null; } || return 1
    sleep 0.2
  done
}

install() { # WHAT PACKAGE… — from trixie, where compose is v2
  local what=$1 suffix= packages
  shift
  case $(debian_codename) in
    trixie) ;;
    bookworm) suffix=/trixie ;;
    *) fail "engine — $what — missing, and this script can install it on Debian 12 and 13 only — install Docker with compose v2 and buildx" ;;
  esac
  say "Installing $what (Debian packages: $*)"
  # runc and iptables stay those of the machine's own suite: trixie's runc needs a newer libc than bookworm has.
  packages=("${@/%/$suffix}")
  apt_install trixie "${packages[@]/#iptables*/iptables}"
}

start() {
  say "Starting dockerd (log: $log)"
  # In a session of its own, so that the engine outlives the shell that started it.
  setsid nohup dockerd >>"$log" 2>&1 </dev/null &
  wait_until_answers 60 $! || { tail -n 30 "$log" >&2; fail "engine — dockerd — it ended, or does not answer after 60 s — see its log, above"; }
}

if ! answers; then
  [ -z "${DOCKER_HOST:-}" ] || fail "engine — DOCKER_HOST=$DOCKER_HOST — no answer — start that engine, or unset DOCKER_HOST"
  command -v dockerd >/dev/null && command -v iptables >/dev/null ||
    install "a Docker engine, compose and buildx" docker.io docker-cli docker-compose docker-buildx containerd iptables
  # On a machine with an init system, the package has started it.
  wait_until_answers 2 || start
fi
has_compose || install "Docker's compose plugin" docker-compose
has_buildx || install "Docker's buildx plugin" docker-buildx
has_compose && has_buildx || fail "engine — compose v2 and buildx — docker does not find the plugins — see 'docker info', Plugins"
say "Docker engine $(docker version --format '{{.Server.Version}}'), compose $(docker compose version --short)"
