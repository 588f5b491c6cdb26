# Sourced by the other scripts: speaking to the person, Debian's packages, images that are built once.

# What is made here is read by other users too: in images, and by programs that Debian's packages start.
umask 022

logs=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.build/logs

say() { printf '%s\n' "$*"; }
fail() { printf '✗ %s\n' "$*" >&2; exit 1; }

# quietly NAME COMMAND… — its output goes to a log, whose tail is shown only when it fails.
quietly() {
  local log=$logs/$1.log
  shift
  mkdir -p "$logs"
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 30 "$log" >&2
  printf '✗ %s — the whole log is in %s\n' "$*" "$log" >&2
  return 1
}

debian_codename() { (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}"); }

# The mirror this machine's apt already uses: we never bring one of our own.
debian_mirror() {
  local mirror
  mirror=$(apt-get update --print-uris | sed -n "s#^'\(.*\)/dists/$(debian_codename)/InRelease'.*#\1#p" |
    awk '!/\/linux\/debian$/ && !found { print; found = 1 }')
  [ -n "$mirror" ] || fail "apt — which mirror to use — its sources name none for $(debian_codename) — add Debian's to them"
  printf '%s' "$mirror"
}

# apt_install SUITE PACKAGE… — packages of another suite come through a private source list, so that
# the machine's own apt sources and pins stay as they are. Pin 50: nothing else moves to that suite.
apt_install() {
  local suite=$1 private='' mirror apt installed=yes
  shift
  [ "$(id -u)" = 0 ] || fail "apt — installing $* — not root — run this as root, or install them yourself"
  apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
  if [ "$suite" != "$(debian_codename)" ]; then
    mirror=$(debian_mirror) || return 1
    private=$(mktemp -d)
    { cat /etc/apt/sources.list 2>/dev/null || true
      echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"; } >"$private/sources"
    { cat /etc/apt/preferences 2>/dev/null || true
      printf '\nPackage: *\nPin: release n=%s\nPin-Priority: 50\n' "$suite"; } >"$private/preferences"
    chmod -R a+rX "$private"
    apt+=(-o "Dir::Etc::SourceList=$private/sources" -o "Dir::Etc::Preferences=$private/preferences")
  fi
  quietly apt-update "${apt[@]}" update &&
    quietly "apt-${1%/*}" "${apt[@]}" install -y --no-install-recommends "$@" || installed=no
  [ -z "$private" ] || rm -rf "$private"
  [ $installed = yes ]
}

# apt_unpack SUITE PACKAGE FOLDER — the files of a package of any suite in a folder of ours; nothing is installed.
apt_unpack() {
  local suite=$1 package=$2 folder=$3 mirror private unpacked=yes
  mirror=$(debian_mirror) || return 1
  private=$(mktemp -d)
  mkdir -p "$private"/{state/lists/partial,cache/archives/partial,deb} "$folder"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$private/sources"
  chmod -R a+rwX "$private"
  local apt=(apt-get -qq -o "Dir::Etc::SourceList=$private/sources" -o Dir::Etc::SourceParts=/nonexistent -o "Dir::State=$private/state"
    -o "Dir::Cache=$private/cache" -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false)
  quietly "apt-$package-$suite" bash -ec '
    deb=$1 folder=$2 package=$3; shift 3
    "$@" update && cd "$deb" && "$@" download "$package" && dpkg -x "$package"_*.deb "$folder"' \
    apt_unpack "$private/deb" "$folder" "$package" "${apt[@]}" || unpacked=no
  rm -rf "$private"
  [ $unpacked = yes ]
}

# An image carries the hash of what it was built from. Not under Davit's own prefix: containers inherit labels.
built_from() { # TAG HASH
  [ "$(docker image inspect -f '{{index .Config.Labels "davit-test.hash"}}' "$1" 2>/dev/null)" = "$2" ]
}

build_image() { # TAG HASH ARGUMENT…
  local tag=$1 hash=$2 old
  shift 2
  old=$(docker image inspect -f '{{.Id}}' "$tag" 2>/dev/null || true)
  say "Building $tag"
  quietly "image-${tag//[\/:]/-}" docker build --progress=plain --provenance=false --tag "$tag" --label "davit-test.hash=$hash" "$@" || return 1
  [ -z "$old" ] || docker rmi "$old" >/dev/null 2>&1 || true # where a container still uses it, it stays
}
