#!/usr/bin/env bash
# Everything that needs no engine: format, lint with the layer rules, types, unit tests.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/toolchain.sh

npx oxfmt --check .
npm run --silent lint
npm run --silent types
npx vitest run --project unit --passWithNoTests
