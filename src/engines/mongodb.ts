import { z } from 'zod';
import type { Container } from '../docker/docker.ts';
import { DavitError } from '../model/errors.ts';
import type { Table } from '../model/snapshot.ts';
import type { Access, Database, Engine, Inventory, Target } from './engine.ts';
import { createArchiveInspector } from './mongodb-archive.ts';
import { readPrelude } from './mongodb-prelude.ts';
import { client, drop, fromOutside, type Login, prelude, restored } from './mongodb-shell.ts';
import { firstVariable, isImage, namedPassword, quote, script } from './shell.ts';

const images = /^(mongo|mongodb|mongodb-(community|enterprise)-server|percona-server-mongodb)$/;
const systemDatabases = new Set(['', 'admin', 'config', 'local']);
/** The name of the artifact that is the whole server: every database, users and roles. */
const whole = '@server';
/** The beginning of an archive: room for the names of some thousand collections. */
const preludeBytes = 4 * 1024 * 1024;

function login(container: Container, access: Access): Login | undefined {
  const given = namedPassword(access);
  const password = given ?? firstVariable(container, ['MONGO_INITDB_ROOT_PASSWORD', 'MONGODB_ROOT_PASSWORD']);
  const user =
    access.user === undefined ? firstVariable(container, ['MONGO_INITDB_ROOT_USERNAME', 'MONGODB_ROOT_USER']) : quote(access.user);
  return password === undefined ? undefined : { user: user ?? 'root', password };
}

function portOf({ command }: Container): string {
  return /--port[= ](\d+)/.exec(command.join(' '))?.[1] ?? '27017';
}

function begin({ container, access }: Target): string {
  return prelude(login(container, access), portOf(container));
}

const facts = z.object({ oplog: z.boolean(), client: z.boolean() });

export const mongodb: Engine = {
  name: 'mongodb',
  accounts: undefined,
  grantsObjects: false,
  dataDirectories: ['/data/db', '/data/configdb', '/bitnami/mongodb'],
  recognises: (container, processes) =>
    isImage(container, images) ||
    (!/exporter|express/.test(container.image) && Object.keys(container.env).some((name) => name.startsWith('MONGO_INITDB_'))) ||
    processes.includes('mongod'),
  inventory: (target) =>
    script(
      begin(target),
      `look() { tool mongodump --archive "$@" | head -c ${preludeBytes} | base64; }`,
      `oplog=true; archive=$(look --oplog 2>/dev/null)`,
      `if [ -z "$archive" ]; then oplog=false; archive=$(look); fi`,
      `[ -n "$archive" ] || exit 1`,
      `client=false; [ -z "${client}" ] || client=true`,
      `printf '{"oplog":%s,"client":%s}\\n%s\\n' "$oplog" "$client" "$archive"`,
    ),
  readInventory(stdout): Inventory {
    const end = stdout.indexOf('\n');
    const { oplog, client } = readFacts(stdout.slice(0, end));
    const { server, tool, namespaces, whole: all } = readPrelude(Buffer.from(stdout.slice(end + 1), 'base64'));
    const names = new Set(namespaces.map(({ database }) => database).filter((name) => !systemDatabases.has(name)));
    return {
      server,
      tool,
      accounts: false,
      databases: [...names].toSorted().map((name) => ({ name, details: {}, warnings: [withoutUsers(name)] })),
      whole: { name: whole, details: { scope: 'server', ...(oplog ? { oplog: 'true' } : {}) }, warnings: [] },
      warnings: [
        ...(oplog
          ? []
          : [
              'it is no replica set, so its collections are read one after the other: stop what writes to it meanwhile with davit.quiesce, or make it a replica set of one',
            ]),
        ...(client ? [] : ['the container has no mongosh: a restore cannot remove what is not in the snapshot']),
        ...(all ? [] : ['it has more collections than can be listed here: davit.dump.databases may miss some databases']),
      ],
    };
  },
  dump(target, database) {
    const what = database === undefined || isWhole(database.details) ? oplogOf(database) : `--db=${quote(database.name)}`;
    return {
      command: script(begin(target), `tool mongodump ${what} ${target.access.options.map(quote).join(' ')} --archive`),
      extension: 'archive',
      inspect: () => createArchiveInspector(`service "${target.container.labels['com.docker.compose.service'] ?? target.container.name}"`),
    };
  },
  restore(target, { database = '', details = {}, tables = [] }) {
    const replay = details['oplog'] === 'true' ? '--oplogReplay' : '';
    const documents = tables.reduce((sum, { rows = 0 }) => sum + rows, 0);
    return script(
      begin(target),
      `command -v mongorestore >/dev/null || { echo 'the container has no mongorestore' >&2; exit 127; }`,
      drop(isWhole(details) ? undefined : database, portOf(target.container)),
      restored(`tool mongorestore --archive --drop --stopOnError ${replay}`, documents),
    );
  },
  ready: (target) =>
    script(
      begin(target),
      fromOutside,
      `tool mongodump --archive=/dev/null --db=admin --collection=davit.absent && printf ${isOwn(target.access) ? 1 : 0}`,
    ),
  /** A member of a replica set takes no writes before somebody has made it the primary. */
  alone: (words) =>
    words.flatMap((word, at) => {
      if (word === '--replSet' || words[at - 1] === '--replSet' || word.startsWith('--replSet=')) return [];
      return [word.replaceAll(/(^|\s)--replSet[= ]\S+/g, '$1')];
    }),
  census: (target, { kind, database = '', details = {} }) =>
    kind === 'accounts'
      ? undefined
      : script(
          begin(target),
          `said=$(tool mongodump --archive=/dev/null ${isWhole(details) ? '' : `--db=${quote(database)}`} 2>&1) || { printf '%s\\n' "$said" | tail -n 2 >&2; exit 1; }`,
          `printf '%s\\n' "$said" | grep 'done dumping ' || :`,
        ),
  readCensus: (stdout) => stdout.split('\n').flatMap(readCount),
};

function withoutUsers(name: string): string {
  return `database ${name} is dumped by itself, without users and roles: leave out davit.dump.databases to have the whole server with them`;
}

function isWhole(details: Readonly<Record<string, string>>): boolean {
  return details['scope'] === 'server';
}

/** The container's own superuser, or a server that asks nobody. */
function isOwn({ user, passwordEnv, passwordFile }: Access): boolean {
  return user === undefined && passwordEnv === undefined && passwordFile === undefined;
}

function oplogOf(database: Database | undefined): string {
  return database?.details['oplog'] === 'true' ? '--oplog' : '';
}

/** The tool itself counts: `done dumping shop.orders (12 documents)`. Newer ones put the name in quotes. */
function readCount(line: string): Table[] {
  const [, quoted, rows] = /done dumping (.+) \((\d+) documents?\)$/.exec(line) ?? [];
  return quoted === undefined ? [] : [{ name: quoted.replace(/^([`"])(.*)\1$/, '$2'), rows: Number(rows) }];
}

function readFacts(line: string): z.infer<typeof facts> {
  try {
    return facts.parse(JSON.parse(line));
  } catch (cause) {
    throw new DavitError(
      { where: 'inventory', what: 'the database gave an answer that is not understood', seen: line.slice(0, 120) },
      { cause },
    );
  }
}
