#!/usr/bin/env bash
# Builds davit:dev, or DAVIT_IMAGE, from the Dockerfile. Where no registry answers, the base comes from Debian packages
# and the stage `app` is made on this machine and handed over.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/toolchain.sh
scripts/engine.sh >/dev/null
scripts/images.sh base:trixie

tag=${DAVIT_IMAGE:-davit:dev} base=davit-test/base:trixie stage=.build/app

hash=$({ docker image inspect -f '{{.Id}}' $base; echo $node_version
  find Dockerfile .dockerignore .npmrc package.json package-lock.json tsconfig.json rolldown.config.ts src scripts/image.sh -type f -print0 |
    sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-16)
if built_from $tag "$hash"; then say "$tag is up to date"; exit 0; fi

has() { docker image inspect "$1" >/dev/null 2>&1; }

# The stage as the Dockerfile would have made it.
stage_here() {
  mkdir -p $stage/app $stage/usr/local/bin && cp package.json $stage/app/ || return 1
  cmp -s "$pinned_node/node" $stage/usr/local/bin/node || cp "$pinned_node/node" $stage/usr/local/bin/node || return 1
  npx rolldown --config rolldown.config.ts --dir $stage/app/dist
}

contexts=()
if ! { has debian:trixie-slim && { has node:24-trixie-slim || timeout 120 docker pull -q node:24-trixie-slim >/dev/null 2>&1; }; }; then
  install_pinned_node
  quietly image-stage stage_here
  contexts=(--build-context "app=$stage" --build-context "debian:trixie-slim=docker-image://$base")
fi
build_image $tag "$hash" "${contexts[@]}" .
