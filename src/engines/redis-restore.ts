import { ask } from './redis-login.ts';
import { quote } from './shell.ts';

/**
 * How an RDB file gets into a server that runs, whatever it keeps on disk. A second, passing server in the same container loads the file,
 * which proves that it can be loaded; then the real one becomes its replica, and its master again when it has everything. A server takes what
 * it is sent aside before it lets go of what it has, so a load that fails changes nothing. With an append-only file it writes a new one.
 */
const functions = `
info() { ask info "$1" | tr -d '\\r'; }
restore_setting() { [ -z "$kept" ] || ask config set repl-diskless-load "$kept" >/dev/null; }
nap() { sleep 0.2 2>/dev/null || sleep 1; }
passing() { (unset REDISCLI_AUTH; [ -z "$auth" ] || export REDISCLI_AUTH="$auth"; exec "$cli" -p "$passing_port" "$@"); }`;

/**
 * While the real server is a replica it takes no writes. So whatever ends this script, a watcher sees it by the end of a pipe, makes the server a
 * master again and clears away the rest. It has a session of its own, and outlives even a kill of the script's process group.
 */
const watcher = `trap '' HUP INT TERM; read -r _
read -r passing_port passing_pid <"$work/passing"
while case $(info replication) in *"master_port:$passing_port"*) ;; *) false ;; esac; do
  [ "$(ask replicaof no one)" = OK ] || nap
done
[ -z "$passing_pid" ] || kill "$passing_pid"
rm -rf "$work"`;

/** The file lies beside the server's own, where its size is no surprise; a leftover of a restore that was killed goes. */
const receive = `
fail() { printf '%s\\n' "$1" >&2; exit 1; }
case $(info replication) in *role:master*) ;; *) fail "the server is a replica of another one: $(info replication | grep -E '^(role|master_host|master_port):' | tr '\\n' ' ')" ;; esac
dir=$(ask config get dir | tail -n 1); auth=$(ask config get masterauth | sed -n 2p)
server=$(command -v valkey-server || command -v redis-server || command -v keydb-server) || fail 'it has no redis-server and no valkey-server'
case $dir in /*) rm -rf "$dir"/davit-restore-* ;; esac
umask 077; work=
for place in "$dir" /tmp /dev/shm; do work=$(mktemp -d "$place/davit-restore-XXXXXX" 2>/dev/null) && break; done
[ -n "$work" ] && work=$(cd "$work" && pwd -P) || fail "neither $dir nor /tmp can be written to"
echo 0 >"$work/passing"; mkfifo "$work/alive" && exec 9<>"$work/alive" 8<"$work/alive" || exit
export cli port user work
$(command -v setsid) sh -c ${quote(`${ask}\n${functions}\n${watcher}`)} <&8 8<&- 9>&- >/dev/null 2>&1 & watcher=$! passing_pid= kept=
exec 8<&-; trap 'exit 143' HUP INT TERM; trap 'restore_setting; exec 9>&-; wait "$watcher" $passing_pid' EXIT
cat >"$work/dump.rdb" || exit`;

/** The replica sends the password that it is configured to send to its master. */
const configuration = `
configuration() {
  printf '%s\\n' "port $passing_port" 'bind 127.0.0.1' 'protected-mode no' "dir \\"$work\\"" 'dbfilename dump.rdb' 'save ""' 'appendonly no' \\
    'repl-diskless-sync yes' 'repl-diskless-sync-delay 0'
  [ -z "$auth" ] || printf '%s' "$auth" | sed -e 's/[\\\\"]/\\\\&/g' -e 's/^/requirepass "/' -e 's/$/"/'; echo
  ask module list | sed -n '/^path$/{n;s/^./loadmodule &/p;}'
}`;

/** Nobody else may answer on the port: the server must say that it works in our folder. */
const load = `
for try in 1 2 3 4 5; do
  passing_port=$((20000 + ($$ * 7 + try * 1009) % 12000))
  configuration | "$server" - >"$work/log" 2>&1 9>&- & passing_pid=$!
  echo "$passing_port $passing_pid" >"$work/passing"
  while kill -0 "$passing_pid" 2>/dev/null; do
    [ "$(passing ping 2>/dev/null)" = PONG ] && [ "$(passing config get dir | tail -n 1)" = "$work" ] && break 2
    nap
  done
  grep -q 'Address already in use' "$work/log" || break
done
kill -0 "$passing_pid" 2>/dev/null || fail "the file cannot be loaded: $(grep ' # ' "$work/log" | tail -n 2)"
rm -f "$work/dump.rdb"`;

/** A server that has no folder to write to can take over from memory to memory. A sync that never begins, or begins over and over, has failed. */
const take = `
case $work in "$dir"/*) ;; *) kept=$(ask config get repl-diskless-load | sed -n 2p); ask config set repl-diskless-load swapdb >/dev/null ;; esac
answer=$(ask replicaof 127.0.0.1 "$passing_port"); [ "$answer" = OK ] || fail "the server does not become a replica: $answer"
idle=0
while state=$(info all); case $state in *master_link_status:up*) false ;; esac; do
  case $state in *master_sync_in_progress:1*|*loading:1*) idle=0 ;; *) idle=$((idle + 1)) ;; esac
  full=$(passing info stats | tr -d '\\r' | sed -n 's/^sync_full://p')
  [ "$idle" -lt 150 ] && [ "\${full:-9}" -lt 4 ] || fail "the server did not take over the data: $(grep ' # ' "$work/log" | tail -n 2)"
  nap
done
[ "$(ask replicaof no one)" = OK ] || fail 'the server did not become a master again'`;

/** What is only in memory would be lost with a crash. */
const persist = `
if [ "$(ask config get appendonly | tail -n 1)" = yes ]; then
  idle=0
  while state=$(info persistence); case $state in *aof_enabled:0*|*aof_rewrite_in_progress:1*|*aof_rewrite_scheduled:1*) ;; *) false ;; esac; do
    case $state in *aof_rewrite_in_progress:1*) idle=0 ;; *) idle=$((idle + 1)) ;; esac
    [ "$idle" -lt 50 ] || break
    nap
  done
  case $state in *aof_enabled:1*aof_last_bgrewrite_status:ok*) ;; *) fail 'the append-only file could not be written; see the log of the server' ;; esac
fi
if [ -n "$(ask config get save | sed -n 2p)" ]; then
  while case $(info persistence) in *rdb_bgsave_in_progress:1*) ;; *) false ;; esac; do nap; done
  case $(ask bgsave) in Background*) ;; *) fail 'the server does not save its data' ;; esac
  while case $(info persistence) in *rdb_bgsave_in_progress:1*) ;; *) false ;; esac; do nap; done
  case $(info persistence) in *rdb_last_bgsave_status:ok*) ;; *) fail 'the server could not save its data; see its log' ;; esac
fi`;

/** Everything after the login. Reads the file on stdin. */
export const restoreRdb: readonly string[] = [functions, receive, configuration, load, take, persist].map((part) => part.trim());
