#!/usr/bin/env bash
# bench.sh [NAME…] — ratios of Davit against a named peer, in the same run on this machine; all of bench/ without names.
# Run it on a quiet machine: CPU is counted for all of it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/shared.sh

scripts/setup.sh base:trixie app
. scripts/toolchain.sh
if ! command -v aws >/dev/null; then
  say "Installing the Debian package awscli: the peer"
  apt_install "$(debian_codename)" awscli
fi
for name in "${@:-portable memory}"; do
  for one in $name; do node "bench/$one.ts"; done
done
