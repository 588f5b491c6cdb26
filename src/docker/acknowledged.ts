import { randomBytes } from 'node:crypto';

/**
 * End of stream is not end of command: the daemon drops the tail of stdout when the reader is stalled at the moment the main process exits.
 * So the main process of every exec is a shell that reports the exit code in a trailer and exits only after we have answered it: by then we
 * have read everything. Its stdin is also the leash: when we die or lose the connection it closes, and the whole process group is ended.
 * Its variables begin with an underscore: one that the container's environment holds would change for the command too.
 */
const readScript = `
exec 3<&0 4>&2 2>/dev/null; _n=$1 _d=; shift
{
  read -r _; trap : TERM; trap _d=1 USR2; kill -TERM "-$$"
  for _ in 1 2 3 4 5; do [ "$_d" ] || sleep 1; done; [ "$_d" ] || kill -KILL "-$$"
} <&3 >/dev/null 4>&- & _w=$!
trap : TERM
"$@" </dev/null 2>&4 3<&- 4>&- & _p=$!
while wait "$_p"; _rc=$?; kill -0 "$_p"; do :; done
kill -USR2 "$_w"; while wait "$_w"; kill -0 "$_w"; do :; done
printf '\\n%s %03d' "$_n" "$_rc"; read -r _ <&3; exit "$_rc"
`;

/**
 * A command that is fed must not take a broken connection for the end of its input: psql would commit half a dump. The copier between us and
 * the command counts the bytes (with tee where dd does not, as in some BusyBox), reports the count at the end of its own input and then waits
 * for us to hang up on its `sleep`; only that closes the command's stdin. Otherwise the command is ended while its stdin is still open.
 * A byte that it left unread makes the exit code 256.
 */
const writeScript = `
exec 3<&0 4>&2 2>/dev/null; _n=$1 _limit=$2 _ok= _t= _d=; shift 2
kill -0 "-$$" || exit 125
trap : TERM USR2
{
  trap _t=1 TERM; trap _d=1 USR2; printf '\\n%s at %s\\n' "$_n" "$$" >&4; echo
  exec 6>&1
  case $(LC_ALL=C dd </dev/null 2>&1) in
  *bytes*) _c=$(LC_ALL=C dd bs=131072 <&3 2>&1 >&6 6>&-); _x=$?; _c=\${_c##*out} ;;
  *) _c=$(tee /proc/self/fd/7 <&3 7>&1 >&6 6>&- | wc -c 6>&-)' bytes'; _x=0 ;;
  esac
  sleep "$_limit" >&- & _s=$!
  printf '\\n%s got %s %s\\n' "$_n" "$_s" "$(echo $_c)" >&4
  [ "$_x$_t$_d" = 0 ] && { wait "$_s"; _ok=$?; }
  kill -KILL "$_s"; wait "$_s"
  if [ "$_ok" != 129 ] && ! [ "$_d" ]; then
    [ "$_t" ] || kill -TERM "-$$"; for _ in 1 2 3 4 5; do [ "$_d" ] || sleep 1; done; [ "$_d" ] || kill -KILL "-$$"
  fi
} | {
  trap : TERM USR2; read -r _
  "$@" 2>&4 3<&- 4>&-
  _rc=$?
  [ "$_rc" = 0 ] && ! [ "$(head -c 1 | wc -c)" -eq 0 ] && _rc=256
  [ "$_rc" = 0 ] || kill -USR2 "-$$"
  printf '\\n%s %03d' "$_n" "$_rc"; exit "$_rc"
}
`;

/** The exit code in the trailer of a command that succeeded but left input unread. */
export const inputLeftUnread = 256;

export function createNonce(): string {
  return randomBytes(16).toString('hex');
}

/** A command whose stdout is read to its acknowledged end; its stdin is empty. */
export function acknowledged(nonce: string, argv: readonly string[]): string[] {
  return ['sh', '-c', readScript, 'sh', nonce, ...argv];
}

/** A command that is fed through the exec's stdin. Without a confirmation within `limitSeconds` it is ended. */
export function confirmed(nonce: string, argv: readonly string[], limitSeconds = 30): string[] {
  return ['sh', '-c', writeScript, 'sh', nonce, String(limitSeconds), ...argv];
}

export function confirmation(waiter: string): string[] {
  return ['sh', '-c', 'kill -HUP "$0"', waiter];
}

export function abortion(group: string): string[] {
  return ['sh', '-c', 'kill -TERM "-$0"', group];
}

/** What the copier says on stderr. */
export interface Reports {
  /** The process group to signal. */
  readonly group?: string;
  /** The process that waits for the confirmation, and how many bytes were passed on; undefined when the copier could not say. */
  readonly got?: { readonly waiter: string; readonly bytes: number | undefined };
}

export function parseReports(nonce: string, stderr: string): Reports {
  const group = new RegExp(`${nonce} at (\\d+)\n`).exec(stderr)?.[1];
  const [, waiter, count] = new RegExp(`${nonce} got (\\d+) (.*)\n`).exec(stderr) ?? [];
  const bytes = /^\d+(?= bytes?\b)/.exec(count ?? '')?.[0];
  return {
    ...(group ? { group } : {}),
    ...(waiter ? { got: { waiter, bytes: bytes === undefined ? undefined : Number(bytes) } } : {}),
  };
}

/** stderr of the command itself. */
export function withoutReports(nonce: string, stderr: string): string {
  return stderr.replace(new RegExp(`\n?${nonce} (at|got) .*\n`, 'g'), '');
}

export const trailerBytes = 1 + 32 + 1 + 3;

/** The exit code when `tail` (exactly `trailerBytes` long) is the trailer. */
export function parseTrailer(nonce: string, tail: Buffer): number | undefined {
  if (tail.length !== trailerBytes || tail[0] !== 0x0a) return undefined;
  const text = tail.toString('latin1', 1);
  return text.startsWith(`${nonce} `) && /^\d{3}$/.test(text.slice(33)) ? Number(text.slice(33)) : undefined;
}
