import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Rule {
  readonly method: string;
  /** As in src/docker/endpoints.ts: no version, `{id}` for one segment. */
  readonly path: string;
}

export interface SocketProxyOptions {
  readonly listen?: 'unix' | 'tcp';
  /** With `tcp`: every address, this port. Otherwise the loopback and any port. */
  readonly port?: number;
  /** With `tcp`: where other machines find it. */
  readonly address?: string;
  /** Everything else is answered with 403. Without it everything passes. */
  readonly allow?: readonly Rule[];
  /** Cuts each hijacked connection after so many bytes from Docker. */
  readonly cut?: { readonly afterBytes: number; readonly how: Cut };
  /** Reads nothing more of a hijacked connection for so long, once, after so many bytes from Docker. */
  readonly stall?: { readonly afterBytes: number; readonly forMs: number };
  /** Of hijacked connections, the end of this side is not passed on. */
  readonly forgetsEndOf?: 'client' | 'docker';
}

/** `reset` is a TCP RST; on a unix socket there is none, and it is like `end`. */
export type Cut = 'end' | 'reset';

export interface SocketProxy extends AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** `GET /containers/json`, in order, ids as they were. */
  readonly requests: readonly string[];
  readonly refused: readonly string[];
  /** Cuts every open connection. */
  cut(how: Cut): void;
  /** Cuts the next connection with such a request, when Docker has got it. */
  cutNext(rule: Rule, how: Cut): void;
  /** Until it returns, every connection is cut as soon as it is made. */
  leave(): void;
  comeBack(): void;
}

const dockerSocket = '/var/run/docker.sock';

export function matches(rule: Rule, method: string, path: string): boolean {
  const pattern = rule.path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll('{id}', '[^/]+');
  return rule.method === method && new RegExp(`^${pattern}$`).test(path);
}

/** Stands between a client and Docker and passes bytes. It reads the head of the first request of each connection, as Davit sends only one. */
export async function startSocketProxy(options: SocketProxyOptions = {}): Promise<SocketProxy> {
  const { listen = 'unix', port, address, allow, cut, stall, forgetsEndOf } = options;
  const requests: string[] = [];
  const refused: string[] = [];
  const clients = new Set<Socket>();
  let isAway = false;
  let next: { readonly rule: Rule; readonly how: Cut } | undefined;

  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.on('error', () => {}).once('close', () => clients.delete(client));
    if (isAway) return cutOne(client, 'reset');
    let head = Buffer.alloc(0);
    const readHead = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      if (!head.includes('\r\n\r\n')) return;
      client.off('data', readHead).pause();
      const [method = '', target = ''] = head.toString('latin1').split('\r\n')[0]?.split(' ') ?? [];
      const path = new URL(target, 'http://docker').pathname.replace(/^\/v[\d.]+/, '');
      requests.push(`${method} ${path}`);
      if (allow && !allow.some((rule) => matches(rule, method, path))) {
        refused.push(`${method} ${path}`);
        client.end('HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<h1>403 Forbidden</h1>');
        return;
      }
      if (next && matches(next.rule, method, path)) {
        createConnection({ path: dockerSocket, allowHalfOpen: true })
          .on('error', () => {})
          .resume()
          .write(head);
        cutOne(client, next.how);
        next = undefined;
        return;
      }
      pass(client, head, /\r\nupgrade: /i.test(head.toString('latin1')));
    };
    client.on('data', readHead);
  });

  function pass(client: Socket, head: Buffer, hijacked: boolean): void {
    const docker = createConnection({ path: dockerSocket, allowHalfOpen: true });
    docker.on('error', () => {});
    docker.write(head);
    const passesEndOf = (side: 'client' | 'docker'): boolean => !hijacked || side !== forgetsEndOf;
    client.pipe(docker, { end: passesEndOf('client') });
    docker.pipe(client, { end: passesEndOf('docker') });
    client.once('close', () => docker.destroy());
    if (passesEndOf('docker')) docker.once('close', () => client.destroySoon());
    if (!hijacked || !(cut || stall)) return;
    let bytes = 0;
    docker.on('data', (chunk: Buffer) => {
      const before = bytes;
      bytes += chunk.length;
      if (cut && bytes >= cut.afterBytes) cutOne(client, cut.how);
      if (!stall || before >= stall.afterBytes || bytes < stall.afterBytes) return;
      docker.unpipe(client).pause();
      setTimeout(() => docker.pipe(client), stall.forMs);
    });
  }

  function cutOne(socket: Socket, how: Cut): void {
    if (how === 'reset' && listen === 'tcp') socket.resetAndDestroy();
    else socket.destroy();
  }

  const directory = await mkdtemp(join(tmpdir(), 'davit-proxy-'));
  const path = join(directory, 'docker.sock');
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (listen === 'tcp') server.listen(port ?? 0, address ?? (port === undefined ? '127.0.0.1' : '0.0.0.0'), resolve);
    else server.listen(path, resolve);
  });
  return {
    host: listen === 'tcp' ? `tcp://${address ?? '127.0.0.1'}:${(server.address() as AddressInfo).port}` : `unix://${path}`,
    requests,
    refused,
    cutNext: (rule, how) => void (next = { rule, how }),
    cut: (how) => clients.forEach((socket) => cutOne(socket, how)),
    leave() {
      isAway = true;
      clients.forEach((socket) => cutOne(socket, 'reset'));
    },
    comeBack: () => void (isAway = false),
    async [Symbol.asyncDispose]() {
      clients.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
