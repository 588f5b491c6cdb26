#!/usr/bin/env bash
# images.sh [NAME…] — the base images (base:CODENAME) and the test images, built from Debian packages: stand-ins for the official ones,
# with the same variables, paths and uids. An image is built again only when its inputs have changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/toolchain.sh

core=(app mariadb-11.8 postgres-17 timescaledb s3 s3-fast mariadb-10.11 postgres-15 redis-7 valkey-8 owncloud cells seatable
  cytomine-postgis cytomine-core cytomine-iam)
optional=(mysql-9 mongodb cytomine-mongod) # sid moves, and not every machine has Go: a failure is a warning, and the tests are skipped

base_image() { # CODENAME
  local tag=davit-test/base:$1 official=debian:$1-slim
  docker image inspect "$tag" >/dev/null 2>&1 && return
  if docker image inspect "$official" >/dev/null 2>&1 || timeout 60 docker pull -q "$official" >/dev/null 2>&1; then
    docker tag "$official" "$tag"
    return
  fi
  command -v mmdebstrap >/dev/null || { say "Installing mmdebstrap (Debian package), to build base images: no registry answers"; apt_install "$(debian_codename)" mmdebstrap; }
  say "Building $tag from Debian packages"
  quietly "base-$1" bootstrap "$1" "$tag"
}

# What debian:*-slim is: a minimal root without documentation, whose apt keeps no caches; dpkg need not fsync in a build.
bootstrap() { # CODENAME TAG
  local tar=.build/base-$1.tar # not a pipe: Docker would take half of a tar for an image
  rm -f "$tar"
  mmdebstrap --variant=minbase --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --aptopt='Acquire::Languages "none"' --customize-hook="upload scripts/base-apt.conf /etc/apt/apt.conf.d/docker-clean" \
    --customize-hook='rm -f "$1"/var/cache/apt/*.bin' \
    "$1" "$tar" "$(debian_mirror)" &&
    docker import --change 'CMD ["bash"]' "$tar" "$2" &&
    rm "$tar"
}

# What the stand-in for MongoDB is made of: its own tools and FerretDB, from Go's modules, and its shell from npm.
# FerretDB wants to be told its version by a file that its module does not hold.
mongodb_parts() {
  local parts=$PWD/.build/mongodb source=$PWD/.build/mongodb/source
  rm -rf "$source" && mkdir -p "$parts/bin" "$parts/mongosh" "$source" && cp test/images/mongodb/go.* "$source" || return 1
  npm install --prefix "$parts/mongosh" --ignore-scripts --omit=optional --no-audit --no-fund mongosh@2.12.0 &&
    install_pinned_node && cp "$pinned_node/node" "$parts/bin/" || return 1
  (
    cd "$source" && go mod vendor && echo v1.24.0 >vendor/github.com/FerretDB/FerretDB/build/version/version.txt || exit 1
    from_module() { CGO_ENABLED=0 go build -p 2 -trimpath -tags ferretdb_no_postgresql -ldflags '-s -w -X main.VersionStr=100.9.5' -o "$parts/bin/$1" "$2"; }
    from_module mongodump github.com/mongodb/mongo-tools/mongodump/main &&
      from_module mongorestore github.com/mongodb/mongo-tools/mongorestore/main &&
      from_module ferretdb github.com/FerretDB/FerretDB/cmd/ferretdb
  ) && rm -rf "$source"
}

build() { # NAME
  local name=$1 folder=$1 from=davit-test/base:trixie arguments=() parts=() hash
  case $name in
    base:*) base_image "${name#*:}"; return ;;
    mariadb-10.11) folder=mariadb from=davit-test/base:bookworm arguments=(VERSION=10.11) ;;
    mariadb-11.8) folder=mariadb arguments=(VERSION=11.8) ;;
    postgres-15) folder=postgres from=davit-test/base:bookworm arguments=(MAJOR=15) ;;
    postgres-17) folder=postgres arguments=(MAJOR=17) ;;
    postgis-17) folder=postgis from=davit-test/postgres-17 arguments=(MAJOR=17) ;;
    timescaledb) from=davit-test/postgres-17 arguments=(MAJOR=17) ;;
    redis-7) folder=redis from=davit-test/base:bookworm arguments=(FLAVOUR=redis) ;;
    valkey-8) folder=redis arguments=(FLAVOUR=valkey) ;;
    mysql-9) folder=mysql ;;
    owncloud | cells | seatable) from=davit-test/app ;;
    cytomine-postgis) from=davit-test/postgres-15 ;;
    cytomine-mongod) from=davit-test/mongodb ;;
    cytomine-*) folder=cytomine from=davit-test/app arguments=(ROLE="${name#cytomine-}") ;;
    mongodb)
      PATH=$PATH:/usr/local/go/bin # where it is installed by hand
      command -v go >/dev/null || { say "images — mongodb — no Go on this machine — install it, 1.24 or newer"; return 1; }
      parts=(--build-context "parts=$PWD/.build/mongodb")
      ;;
  esac
  case $from in davit-test/base:*) base_image "${from#*:}" ;; *) build "${from#*/}" ;; esac
  hash=$({ docker image inspect -f '{{.Id}}' "$from"; echo "${arguments[@]}"
    cd "test/images/$folder" && find . -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-16)
  built_from "davit-test/$name" "$hash" && return
  [ "$name" != mongodb ] || quietly mongodb-parts mongodb_parts || return 1
  build_image "davit-test/$name" "$hash" --build-arg "BASE=$from" "${arguments[@]/#/--build-arg=}" "${parts[@]}" "test/images/$folder"
}

[ $# -gt 0 ] && names=("$@") || names=("${core[@]}" "${optional[@]}")
for name in "${names[@]}"; do
  if [[ $# -eq 0 && " ${optional[*]} " == *" $name "* ]]; then
    ( build "$name" ) || say "⚠ davit-test/$name could not be built: it is optional, the tests that need it will be skipped"
  else
    build "$name"
  fi
done
