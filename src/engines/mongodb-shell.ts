import { type Expression, quote } from './shell.ts';

export interface Login {
  readonly user: Expression;
  readonly password: Expression;
}

/**
 * The first lines of every script: how a tool is run. The password reaches it as a configuration file that is a pipe: written by the shell itself,
 * it is in no argument and in no file. Standard input stays the tool's own, because a restore reads the archive there.
 */
export function prelude(login: Login | undefined, port: string): string {
  const where = `host=127.0.0.1; exec 4<&0`;
  const tool = (options: string): string => `"$@" --host="$host" --port=${quote(port)}${options} <&4`;
  if (login === undefined) return `user=''; password=''\n${where}\ntool() { ${tool('')}; }`;
  return [
    `user=${login.user}; password=${login.password}`,
    where,
    `tool() { printf "password: '%s'\\n" "$(printf %s "$password" | sed "s/'/''/g")" | ${tool(' --username="$user" --authenticationDatabase=admin --config=/dev/fd/3 3<&0')}; }`,
  ].join('\n');
}

/** The temporary server of a first start listens on 127.0.0.1 only: the real one is where other containers reach it. */
export const fromOutside = `for ip in $(hostname -i 2>/dev/null); do case $ip in *:*) ;; *) host=$ip; break ;; esac; done`;

/** Images since 5 have mongosh, older ones mongo, others neither. */
export const client = '$(command -v mongosh || command -v mongo)';

const said = 'davit: dropped';

/** Drops databases, where the container has a client. It reads the statement and the password on standard input, and ends with 0 whatever happens, so it has to say that it is done. */
export function drop(database: string | undefined, port: string): string {
  const which = database === undefined ? `["admin", "config", "local"].indexOf(it.name) < 0` : `it.name === ${JSON.stringify(database)}`;
  const statement =
    `for (const it of db.adminCommand({ listDatabases: 1, nameOnly: true }).databases) if (${which}) db.getSiblingDB(it.name).dropDatabase(); ` +
    `print("${said.slice(0, 5)}" + "${said.slice(5)}");`;
  return [
    `client=${client}`,
    `escape() { printf %s "$1" | sed 's/[\\\\"]/\\\\&/g'; }`,
    `statement=${quote(statement)}`,
    `if [ -n "$client" ]; then`,
    `  said=$({`,
    `    printf 'db = connect("mongodb://%s:%s/admin"); ' "$host" ${quote(port)}`,
    `    if [ -n "$user" ]; then printf 'db.auth("%s", "%s"); ' "$(escape "$user")" "$(escape "$password")"; fi`,
    `    printf '%s\\n' "$statement"`,
    `  } | HOME=/dev/null "$client" --nodb --quiet 2>&1)`,
    `  case $said in *${quote(said)}*) ;; *) printf '%s\\n' "$said" >&2; exit 1 ;; esac`,
    `fi`,
  ].join('\n');
}

/** Runs mongorestore and believes only its last words: none failed, and at least as many restored as the dump held. */
export function restored(command: string, atLeast: number): string {
  return [
    `{ ${command}; echo "davit: ended with $?"; } 2>&1 | {`,
    `  ended=1 summary=''`,
    `  while IFS= read -r line; do`,
    `    case $line in`,
    `      'davit: ended with '*) ended=\${line##* } ;;`,
    `      *' document(s) restored successfully. '*) summary=$line ;;`,
    `      *) printf '%s\\n' "$line" >&2 ;;`,
    `    esac`,
    `  done`,
    `  [ "$ended" = 0 ] || exit "$ended"`,
    `  count=\${summary%%' document(s)'*}; count=\${count##*[!0-9]}`,
    `  case $summary in *' 0 document(s) failed to restore.'*) [ "$count" -ge ${atLeast} ] && exit 0 ;; esac`,
    `  printf 'mongorestore did not restore every document: %s\\n' "$summary" >&2; exit 1`,
    `}`,
  ].join('\n');
}
