#!/usr/bin/env bash
# node.sh FILE [ARGUMENT…] — one of our scripts, under a Node that is new enough for it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/toolchain.sh
exec node "$@"
