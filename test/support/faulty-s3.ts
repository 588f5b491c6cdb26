import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Transform } from 'node:stream';

/** What goes wrong with a request. Byte positions are in the body. */
export type Fault =
  | { readonly answer: number; readonly code?: string }
  | { readonly resetRequestAt: number }
  | { readonly flipRequestByte: number }
  | { readonly flipResponseByte: number }
  | { readonly cutResponseAt: number }
  /** The request's body passes at this pace. */
  | { readonly bytesPerSecond: number }
  | { readonly setResponseHeader: Readonly<Record<string, string>> }
  /** The server does it, but its answer gets lost. */
  | { readonly loseAnswer: true }
  | { readonly delayMs: number }
  /** Neither an answer nor an end. */
  | { readonly stall: true };

export interface Seen {
  readonly method: string;
  readonly url: URL;
  /** Of what it sends. */
  readonly bytes: number;
}

export interface FaultyS3 extends AsyncDisposable {
  readonly endpoint: URL;
  /** Every request that arrived, in order. */
  readonly seen: Seen[];
  /** The next `times` requests that match suffer the fault; `Infinity` for all of them. Returns how often it has struck. */
  inject(fault: Fault, matches: (request: Seen) => boolean, times?: number): () => number;
  /** Takes all faults back. */
  heal(): void;
  /** From now on nobody listens, and open connections are reset. */
  vanish(): Promise<void>;
  /** It is back, at the same address. */
  appear(): Promise<void>;
}

/** A proxy before an S3 server that breaks requests on demand. The host name passes unchanged, so signatures stay right. `address`: where it listens. */
export async function startFaultyS3(upstream: URL, address = '127.0.0.1'): Promise<FaultyS3> {
  let rules: { fault: Fault; matches: (request: Seen) => boolean; left: number; struck: number }[] = [];
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();

  const server = createServer((request, response) => {
    const bytes = Number(request.headers['content-length'] ?? 0);
    const arrived = { method: request.method ?? '', url: new URL(request.url ?? '/', upstream), bytes };
    seen.push(arrived);
    const rule = rules.find(({ matches, left }) => left > 0 && matches(arrived));
    if (rule) {
      rule.left--;
      rule.struck++;
    }
    pass(request, response, upstream, rule?.fault);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.keepAliveTimeout = 60_000;
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, address, resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;

  async function vanish(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    sockets.forEach((socket) => socket.resetAndDestroy());
    await closed;
  }

  return {
    endpoint: new URL(`http://${address}:${port}`),
    seen,
    inject(fault, matches, times = 1) {
      const rule = { fault, matches, left: times, struck: 0 };
      rules.push(rule);
      return () => rule.struck;
    },
    heal: () => void (rules = []),
    vanish,
    appear: () => listen(port),
    [Symbol.asyncDispose]: vanish,
  };
}

function pass(request: IncomingMessage, response: ServerResponse, upstream: URL, fault: Fault | undefined): void {
  request.on('error', () => undefined);
  const has = <Key extends string>(key: Key): Extract<Fault, Record<Key, unknown>> | undefined =>
    fault && key in fault ? (fault as Extract<Fault, Record<Key, unknown>>) : undefined;

  const answer = has('answer');
  if (answer) {
    request.resume().on('end', () => {
      response.writeHead(answer.answer, { 'content-type': 'application/xml' });
      response.end(answer.code ? `<?xml version="1.0"?><Error><Code>${answer.code}</Code><Message>injected</Message></Error>` : '');
    });
    return;
  }
  if (has('stall')) return void request.resume();
  const delay = has('delayMs');
  if (delay) return void setTimeout(() => pass(request, response, upstream, undefined), delay.delayMs);
  const reset = has('resetRequestAt');
  if (reset) return void request.pipe(tripwire(reset.resetRequestAt, () => request.socket.resetAndDestroy())).resume();

  const { method, headers, url: path } = request;
  const passed = forward({ host: upstream.hostname, port: upstream.port, method, headers, path }, (received) => {
    if (has('loseAnswer')) return void received.resume().on('end', () => request.socket.resetAndDestroy());
    response.writeHead(received.statusCode ?? 502, { ...received.headers, ...has('setResponseHeader')?.setResponseHeader });
    const cut = has('cutResponseAt');
    const body = cut ? received.pipe(tripwire(cut.cutResponseAt, () => request.socket.resetAndDestroy())) : received;
    body.pipe(flip(has('flipResponseByte')?.flipResponseByte)).pipe(response);
  });
  passed.on('error', () => request.socket.destroy());
  response.on('close', () => passed.destroy());
  // After an early answer the rest of the body still comes, and the next request behind it.
  response.on('finish', () => request.unpipe().resume());
  request
    .pipe(flip(has('flipRequestByte')?.flipRequestByte))
    .pipe(brake(has('bytesPerSecond')?.bytesPerSecond))
    .pipe(passed);
}

/** Lets so many bytes through, then trips. */
function tripwire(bytes: number, trip: () => void): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _, callback) {
      const rest = bytes - passed;
      passed += chunk.length;
      if (passed < bytes) {
        callback(null, chunk);
        return;
      }
      // What was let through must arrive before the end does.
      this.push(chunk.subarray(0, rest));
      setImmediate(trip);
    },
  });
}

function brake(bytesPerSecond = Infinity): Transform {
  return new Transform({
    transform(chunk: Buffer, _, callback) {
      setTimeout(() => callback(null, chunk), (chunk.length / bytesPerSecond) * 1000);
    },
  });
}

function flip(position: number | undefined): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _, callback) {
      const at = position === undefined ? -1 : position - passed;
      passed += chunk.length;
      if (at < 0 || at >= chunk.length) {
        callback(null, chunk);
        return;
      }
      const flipped = Buffer.from(chunk);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
      callback(null, flipped);
    },
  });
}
