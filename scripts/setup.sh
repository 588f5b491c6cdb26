#!/usr/bin/env bash
# setup.sh [IMAGE…] — everything that the tests and the demo need; what is there already is left alone.
# With names, only these test images.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/shared.sh

say "Set-up of Davit's repository (logs: .build/logs):
  toolchain  Node 24.12 or newer, the npm packages of package-lock.json
  programs   zstd, age, acl, attr, jq: the codecs, what archives carry, restoring by hand
  restic     three versions of it, unpacked into .toolchain: the judges of the incremental format
  engine     a Docker engine with compose v2 and buildx; one that answers is used as it is
  images     the test images: databases and S3 servers from Debian packages
  image      davit:dev"

step() { # NAME COMMAND…
  local name=$1 start=$SECONDS
  shift
  "$@" || fail "set-up — $name — failed after $((SECONDS - start)) s — see above"
  say "✓ $name ($((SECONDS - start)) s)"
}

programs() {
  local missing=()
  command -v zstd >/dev/null || missing+=(zstd)
  command -v age >/dev/null || missing+=(age)
  command -v setfacl >/dev/null || missing+=(acl)
  command -v setfattr >/dev/null || missing+=(attr)
  command -v jq >/dev/null || missing+=(jq)
  [ ${#missing[@]} -eq 0 ] && return
  say "Installing Debian packages: ${missing[*]}"
  apt_install "$(debian_codename)" "${missing[@]}"
}

# sid moves: a failure there is a warning, and its tests are skipped.
judges() {
  local suite folder
  for suite in bookworm trixie sid; do
    folder=$PWD/.toolchain/restic-$suite
    [ -x "$folder/usr/bin/restic" ] && continue
    say "Unpacking restic of Debian $suite into .toolchain"
    apt_unpack "$suite" restic "$folder" || [ "$suite" = sid ] || return 1
  done
}

step toolchain bash -c 'set -euo pipefail; . scripts/toolchain.sh'
step programs programs
step restic judges
step engine scripts/engine.sh
step images scripts/images.sh "$@"
step image scripts/image.sh
