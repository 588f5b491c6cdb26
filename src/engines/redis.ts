import type { Container } from '../docker/docker.ts';
import { configurationError } from '../model/errors.ts';
import type { Engine, Inventory } from './engine.ts';
import { createRdbInspector } from './rdb-format.ts';
import { redisScript } from './redis-login.ts';
import { restoreRdb } from './redis-restore.ts';
import { isImage, quote } from './shell.ts';

const servers = /(^|\/)(redis|valkey|keydb)-server$/;
const others = /(^|[\s/])((redis|valkey|keydb)-(cli|sentinel|benchmark))/;
/** An app that brings its own Redis along is that app: its files are not a server's. */
const onlyServer = /^((redis|valkey|keydb)-.*|tini|dumb-init|docker-init|catatonit|sh|ash|dash|bash|s6-\w+|sleep)$/;

function recognises(container: Container, processes: readonly string[]): boolean {
  if (container.command.some((text) => /(^|\s)--sentinel(\s|$)/.test(text))) return false;
  const isServer = container.command.some((word) => servers.test(word));
  if (!isServer && container.command.some((text) => others.test(text) && !/(redis|valkey|keydb)-server/.test(text))) return false;
  return (
    isServer ||
    isImage(container, /^(redis|valkey|keydb|redis-stack|redis-stack-server|valkey-bundle|redis-cluster|valkey-cluster)(-?\d.*)?$/) ||
    ['redis', 'valkey', 'keydb'].includes(container.env['BITNAMI_APP_NAME'] ?? '') ||
    (processes.some((name) => servers.test(name)) && processes.every((name) => onlyServer.test(name)))
  );
}

export const redis: Engine = {
  name: 'redis',
  accounts: undefined,
  grantsObjects: false,
  dataDirectories: ['/data', '/bitnami/redis', '/bitnami/valkey', '/var/lib/redis', '/var/lib/valkey', '/var/lib/keydb'],
  recognises,
  inventory: (target) =>
    redisScript(
      target,
      `info=$(ask info 2>&1); case $info in *redis_version:*) ;; *) printf '%s\\n' "$info" >&2; exit 1 ;; esac`,
      `printf 'tool:%s\\n%s\\n' "$("$cli" --version)" "$info" | tr -d '\\r' | grep -E '^(tool|redis_version|valkey_version|role|cluster_enabled):'`,
    ),
  readInventory(stdout): Inventory {
    const facts = new Map(stdout.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
    refuse(facts);
    const valkey = facts.get('valkey_version');
    return {
      server: valkey === undefined ? `Redis ${facts.get('redis_version') ?? ''}` : `Valkey ${valkey}`,
      tool: facts.get('tool') ?? '',
      databases: [{ name: 'redis', details: {}, warnings: [] }],
      accounts: false,
      warnings: [],
    };
  },
  dump(target) {
    const options = target.access.options.map(quote).join(' ');
    return {
      command: redisScript(target, `ask ${options} --rdb -`),
      extension: 'rdb',
      inspect: () => createRdbInspector(`service "${target.container.labels['com.docker.compose.service'] ?? target.container.name}"`),
    };
  },
  canLoad: (dumped, server) => (rdbVersion(dumped) ?? 0) <= (rdbVersion(server) ?? Infinity),
  restore: (target) => redisScript(target, ...restoreRdb),
  /** A restore needs the rights to configure the server and to make it a replica. Servers before 7 cannot tell, so they are believed. */
  ready: (target) =>
    redisScript(
      target,
      `answer=$(ask ping 2>&1); [ "$answer" = PONG ] || { printf '%s\\n' "$answer" >&2; exit 1; }`,
      `case $(ask config get dir 2>&1; ask acl dryrun "$(ask acl whoami)" replicaof no one 2>&1) in *permission*) echo 0 ;; *) echo 1 ;; esac`,
    ),
  census: (target, artifact) => (artifact.kind === 'accounts' ? undefined : redisScript(target, 'ask info keyspace')),
  /** Keys that expire are not counted, as in the inspector. */
  readCensus: (stdout) =>
    [...stdout.matchAll(/^(db\d+):keys=(\d+),expires=(\d+)/gm)].map(([, name = '', keys, expires]) => ({
      name,
      rows: Number(keys) - Number(expires),
    })),
};

/** The version of RDB files that a server writes, and the highest that it reads, where that is known. */
function rdbVersion(server: string): number | undefined {
  const [, name, major = '', minor = ''] = /^(Redis|Valkey) (\d+)\.(\d+)/.exec(server) ?? [];
  const version = Number(major) + Number(minor) / 10;
  if (name === 'Valkey') return version < 9 ? 11 : undefined;
  if (name === undefined || version < 7) return undefined;
  return version < 7.2 ? 10 : version < 7.4 ? 11 : 12;
}

/** What can be dumped but not put back is no backup. */
function refuse(facts: ReadonlyMap<string, string>): void {
  if (facts.get('cluster_enabled') === '1')
    throw configurationError({
      where: 'redis',
      what: 'the server is a node of a cluster, which Davit cannot restore',
      fix: 'label davit.dump=none, and use the means of the cluster',
    });
  if (facts.get('role') !== 'master')
    throw configurationError({
      where: 'redis',
      what: 'the server is a replica: it gets its data from its master',
      fix: 'label the master instead; here davit.enable=false',
    });
}
