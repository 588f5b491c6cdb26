import { createServer } from 'node:http';
import type { Context } from '../context.ts';
import { configurationError, messageOf } from '../model/errors.ts';
import type { Manifest } from '../model/snapshot.ts';
import { health, type HealthState, readState } from './health.ts';
import { describeMetrics } from './metrics.ts';

interface Answer {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; version=0.0.4; charset=utf-8' | 'text/plain; charset=utf-8';
  readonly body: string;
}

/** What the daemon answers over HTTP, where DAVIT_HTTP says so. It can be asked, and told nothing. */
export async function serve(context: Context, stack: string): Promise<AsyncDisposable> {
  const { log, redactor, environment } = context;
  const address = environment.DAVIT_HTTP;
  if (address === undefined) return { [Symbol.asyncDispose]: async () => undefined };
  const pages: Readonly<Record<string, () => Promise<Answer>>> = {
    '/health': healthPage(context),
    '/metrics': metricsPage(context, stack),
  };

  async function answer(method: string | undefined, url: string | undefined): Promise<Answer> {
    const page = pages[url?.split('?')[0] ?? ''];
    if (page === undefined) return plain(404, 'there are /health and /metrics');
    return method === 'GET' || method === 'HEAD' ? page() : plain(405, 'only GET');
  }

  const server = createServer((request, response) => {
    void answer(request.method, request.url)
      .catch((error: unknown) => plain(500, messageOf(error)))
      .then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
        response.end(redactor.redact(body));
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  }).catch((cause: unknown) => {
    throw configurationError(
      {
        where: 'DAVIT_HTTP',
        what: 'this address cannot be listened on',
        seen: messageOf(cause),
        fix: "choose another port, or an address of Davit's container",
      },
      { cause },
    );
  });
  log.info({ ...address }, 'answers over HTTP');
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function plain(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

/** The answer of `davit health --json`. */
function healthPage({ now }: Context): () => Promise<Answer> {
  const json = (status: number, value: unknown): Answer => ({
    status,
    type: 'application/json',
    body: `${JSON.stringify(value, undefined, 2)}\n`,
  });
  return () =>
    health(now()).then(
      (state) => json(200, state),
      (error: unknown) => json(503, { error: messageOf(error) }),
    );
}

function metricsPage(context: Context, stack: string): () => Promise<Answer> {
  const snapshots = rememberSnapshots(context, stack);
  return async () => {
    const state = await readState().catch(() => undefined);
    const healthy = await health(context.now()).then(
      () => true,
      () => false,
    );
    const body = describeMetrics({ stack, version: context.version, healthy, state, manifests: await snapshots(state) });
    return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body };
  };
}

/** The snapshots are listed again only after a run: who asks every few seconds must not cost a request to the storage each time. */
function rememberSnapshots(
  { repository, log }: Context,
  stack: string,
): (state: HealthState | undefined) => Promise<readonly Manifest[] | undefined> {
  let manifests: readonly Manifest[] | undefined;
  let seen: string | undefined;
  return async (state) => {
    const runs = JSON.stringify(state?.lastRuns ?? {});
    if (runs === seen) return manifests;
    try {
      manifests = (await repository.list(stack)).manifests;
      seen = runs;
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the snapshots could not be listed for /metrics');
    }
    return manifests;
  };
}
