import type { Command, Container } from '../docker/docker.ts';
import type { Target } from './engine.ts';
import { type Expression, firstVariable, fromFile, fromVariable, namedPassword, quote, script } from './shell.ts';

/** Where the password goes that is written out in the container's command: Docker shows it there to everybody, but a command of ours need not repeat it. */
const ownVariable = 'DAVIT_SERVER_PASSWORD';

/**
 * A script that begins with a login. Images of Redis have no variable for the password: it may be wanted or not, and stand in the server's
 * command, its configuration file or a variable that somebody else reads. So each of these is tried, unless labels name it.
 */
export function redisScript({ container, access }: Target, ...lines: readonly string[]): Command {
  const given = namedPassword(access);
  const literal = given === undefined ? passwordIn(container)?.literal : undefined;
  const found = [
    literal === undefined ? passwordIn(container)?.expression : fromVariable(ownVariable),
    '"$(setting requirepass)"',
    firstVariable(container, ['REDIS_PASSWORD', 'VALKEY_PASSWORD', 'KEYDB_PASSWORD']),
    firstVariable(container, ['REDISCLI_AUTH']),
    firstVariable(container, ['VALKEYCLI_AUTH']),
  ].filter((expression) => expression !== undefined);
  const isNamed = given !== undefined || access.user !== undefined;
  const { argv } = script(
    tools,
    `user=${access.user === undefined ? '' : quote(access.user)} file=${quote(configurationFile(container) ?? '')}`,
    setting,
    `port=${portOf(container) ?? '$(setting port)'}; port=\${port:-6379}`,
    ask,
    login(given === undefined ? found : [given], isNamed),
    ...lines,
  );
  return literal === undefined ? { argv } : { argv, env: { [ownVariable]: literal } };
}

/** Debian's Valkey has only the one name, official images of Valkey have both. */
const tools = `cli=$(command -v valkey-cli || command -v redis-cli || command -v keydb-cli) || { echo 'it has no redis-cli and no valkey-cli' >&2; exit 1; }`;

const setting =
  `setting() { [ -z "$file" ] || sed -n "s/^[[:space:]]*$1[[:space:]]\\{1,\\}//p" "$file" 2>/dev/null | tail -n 1 | ` +
  `sed -e 's/[[:space:]]*$//' -e 's/^"\\(.*\\)"$/\\1/' -e "s/^'\\(.*\\)'\\$/\\1/"; }`;

/** Asks the server. */
export const ask = `ask() { "$cli" -p "$port" \${user:+--user "$user"} "$@"; }`;

/** A server without a password refuses one, so without labels the first try is without. */
function login(passwords: readonly Expression[], isNamed: boolean): string {
  const tries = [
    `for REDISCLI_AUTH in ${passwords.join(' ')}; do export REDISCLI_AUTH; unset VALKEYCLI_AUTH`,
    `case $(ask ping 2>&1) in *NOAUTH*|*'AUTH failed'*) ;; *) break ;; esac; done`,
  ].join('\n');
  if (isNamed) return tries;
  return `case $(unset REDISCLI_AUTH VALKEYCLI_AUTH; ask ping 2>&1) in *NOAUTH*)\n${tries} ;;\n*) unset REDISCLI_AUTH VALKEYCLI_AUTH ;; esac`;
}

/** The words that the server is started with: its command, and the variables that images add to it. */
function textsOf({ command, env }: Container): string[] {
  return [...command, env['REDIS_ARGS'] ?? '', env['REDIS_EXTRA_FLAGS'] ?? '', env['VALKEY_EXTRA_FLAGS'] ?? ''];
}

/** The value of an option of the server, as it stands there. In a text of several words it may be quoted, or for the shell to find. */
function option(container: Container, name: string): { readonly text: string; readonly isScript: boolean } | undefined {
  const texts = textsOf(container);
  const at = texts.indexOf(`--${name}`);
  const next = texts[at + 1];
  if (at !== -1 && next !== undefined) return { text: next, isScript: false };
  for (const text of texts) {
    const [, value] = new RegExp(`(?:^|\\s)--${name}[\\s=]+("\\$\\([^)]*\\)"|\\$\\([^)]*\\)|"[^"]*"|'[^']*'|[^\\s;&|]+)`).exec(text) ?? [];
    if (value !== undefined) return { text: value, isScript: true };
  }
  return undefined;
}

function passwordIn(container: Container): { readonly literal?: string; readonly expression?: Expression } | undefined {
  const found = option(container, 'requirepass');
  if (found === undefined) return undefined;
  if (!found.isScript) return { literal: found.text };
  const bare = found.text.replace(/^(["'])(.*)\1$/, '$2');
  if (found.text.startsWith("'")) return { literal: bare };
  const [, variable] = /^\$\{?(\w+)\}?$/.exec(bare) ?? [];
  if (variable !== undefined) return { expression: fromVariable(variable) };
  const [, path] = /^\$\(\s*(?:cat\s|<)\s*([^\s)]+)\s*\)$/.exec(bare) ?? [];
  if (path !== undefined) return { expression: fromFile(path.replaceAll(/^["']|["']$/g, '')) };
  return /[$`]/.test(bare) ? undefined : { literal: bare };
}

function configurationFile(container: Container): string | undefined {
  return container.command.flatMap((text) => text.split(/\s+/)).find((word) => /^[\w./@%+-]+\.conf$/.test(word));
}

function portOf(container: Container): string | undefined {
  const port = option(container, 'port')?.text ?? container.env['REDIS_PORT_NUMBER'] ?? container.env['VALKEY_PORT_NUMBER'];
  return port !== undefined && /^\d+$/.test(port) ? port : undefined;
}
