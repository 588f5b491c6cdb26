import type { CommandLabel } from '../config/labels.ts';
import type { Command } from '../docker/docker.ts';

/** The scripts around a person's command. Their values are arguments, so nothing in a path or glob is ever read as shell. */

/** Without it, the exit code of a pipeline is that of its last part only; some shells cannot do it. */
const pipefail = '(set -o pipefail) 2>/dev/null && set -o pipefail';

/**
 * $1: the command, $2: the glob. The clock must have passed into the next second before the command starts: then no file that was there before can be as
 * new as one that is written now, although times of files are compared in seconds. Another name of the same file is not another file.
 */
const collectScript = `
fail() { printf '%s\\n' "$1" >&2; exit 1; }
moment() { sleep 0.1 2>/dev/null || sleep 1; }
state() { stat -L -c '%d:%i %s %y' "$file"; }
start=$(date +%s) || exit
while [ "$(date +%s)" -le "$start" ]; do moment; done
moment
sh -c "$1" >&2 || exit
IFS= file= id= old=
for match in $2; do
  [ -f "$match" ] || continue
  time=$(stat -L -c %Y "$match") || exit
  if [ "$time" -le "$start" ]; then old=$match; continue; fi
  this=$(stat -L -c %d:%i "$match") || exit
  [ "$this" != "$id" ] || continue
  [ -z "$file" ] || fail "it wrote more than one file that matches $2: $file and $match"
  file=$match id=$this
done
[ -n "$file" ] || fail "it wrote no new file that matches $2\${old:+: $old is older than its start}"
[ -s "$file" ] || fail "it wrote an empty file: $file"
before=$(state) && cat "$file" || exit
[ "$(state)" = "$before" ] || fail "$file changed while it was read: it was still being written"
`;

/** $1: the path. It is there whole or not at all. */
const putScript = `
[ ! -d "$1" ] || { printf '%s is a folder\\n' "$1" >&2; exit 1; }
trap 'rm -f "$1.part"' EXIT
trap 'exit 1' TERM
mkdir -p "$(dirname "$1")" && cat >"$1.part" && mv -f "$1.part" "$1"
`;

/** Its stdout is the artifact. */
export function captureScript({ name, command, collect, user }: CommandLabel): Command {
  const title = `davit.command.${name}`;
  const text = `${pipefail}\n${command}`;
  if (collect === undefined) return { argv: ['sh', '-c', text], title, user };
  return { argv: ['sh', '-c', collectScript, 'sh', text, collect], title, user };
}

/** Writes its stdin to a path; undefined: the label wants none. */
export function putInto({ name, 'restore.put': path, user }: CommandLabel): Command | undefined {
  return path === undefined ? undefined : { argv: ['sh', '-c', putScript, 'sh', path], title: `davit.command.${name}.restore.put`, user };
}

/** What the command says is for people, however long it is; undefined: the label has none. */
export function restoreScript({ name, restore, user }: CommandLabel): Command | undefined {
  if (restore === undefined) return undefined;
  return { argv: ['sh', '-c', `exec >&2\n${pipefail}\n${restore}`], title: `davit.command.${name}.restore`, user };
}
