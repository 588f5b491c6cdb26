#!/usr/bin/env bash
# bench.sh [NAME…] — ratios of Davit against a named peer, in the same run on this machine; all of bench/ without names.
# Run it on a quiet machine: CPU is counted for all of it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/shared.sh

scripts/setup.sh base:trixie app s3
. scripts/toolchain.sh
peer() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null && return
  say "Installing the Debian package $2: a peer"
  apt_install "$(debian_codename)" "$2"
}
peer aws awscli
[[ " $* " != *" incremental "* ]] || peer borg borgbackup
for name in "${@:-portable memory}"; do
  for one in $name; do node "bench/$one.ts"; done
done
