#!/usr/bin/env bash
# test.sh [unit|contract|e2e] [VITEST-ARGUMENT…] — all of them, or one project; sets up what it needs.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
  unit | contract | e2e) projects=("$1"); shift ;;
  *) projects=(unit contract e2e) ;;
esac
[ "${projects[*]}" = unit ] || scripts/setup.sh
. scripts/toolchain.sh

for project in "${projects[@]}"; do
  npx vitest run --project "$project*" --passWithNoTests "$@"
done
