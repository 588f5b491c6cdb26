import { configurationError, DavitError, messageOf } from '../model/errors.ts';
import { type Endpoint, endpoints, type EndpointName } from './endpoints.ts';

/** What Docker, or the way to it, answered when it did not do what was asked. */
interface Answer {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly json?: unknown;
  readonly name?: unknown;
}

/** The HTTP status behind an error of a call. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as Answer | null)?.statusCode;
  if (typeof status === 'number') return status;
  return error instanceof DavitError ? statusOf(error.cause) : undefined;
}

/** The way to Docker broke: what was asked may have been done, or still be under way. */
export function wasCut(error: unknown): boolean {
  const { code } = ((error instanceof DavitError ? error.cause : error) ?? {}) as Answer;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

const attempts = 3;

/** Docker goes on with what it was asked, also when the way to it breaks: asked again, it answers when that is done. */
export async function untilAnswered(request: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return void (await request());
    } catch (error) {
      if (!wasCut(error) || attempt === attempts) throw error;
    }
  }
}

/** Throws `error` unless it is the expected status. */
export function ignore(error: unknown, expected: number): undefined {
  if (statusOf(error) !== expected) throw error;
}

/** Turns any failure of one API call into an error that says what to do. `where` names the container; connection trouble names the host. */
export function troubleOf(error: unknown, endpointName: EndpointName, where: string, host: string): DavitError {
  if (error instanceof DavitError) return error;
  const endpoint: Endpoint = endpoints[endpointName];
  const { code, name } = error as Answer;
  const docker = `docker at ${host}`;
  const say = (what: string, fix: string): DavitError => new DavitError({ where: docker, what, fix }, { cause: error });
  switch (code) {
    case 'ENOENT':
      return say(
        'there is no socket',
        'mount it into this container (volumes: /var/run/docker.sock:/var/run/docker.sock) or set DOCKER_HOST',
      );
    case 'ECONNREFUSED':
      return say('nobody answers', 'start Docker, or the socket proxy that DOCKER_HOST names');
    case 'EACCES':
    case 'EPERM':
      return say('this user may not open the socket', "run as root, or add the socket's group (group_add)");
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say('the host name is not known', 'correct DOCKER_HOST, or put the proxy into the same network');
    case 'ECONNRESET':
    case 'EPIPE':
      return say(`the connection was cut during ${endpoint.method} ${endpoint.path}`, "look at Docker's own log, or the socket proxy's");
    default:
  }
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ABORT_ERR') {
    return say(`no answer to ${endpoint.method} ${endpoint.path} in time`, 'see whether Docker hangs: docker info');
  }
  if (statusOf(error) === 403) {
    return say(`${endpoint.method} ${endpoint.path} is refused`, `allow it in the socket proxy; Davit needs it to ${endpoint.reason}`);
  }
  return new DavitError({ where, what: `Docker refused ${endpoint.method} ${endpoint.path}`, seen: answerOf(error) }, { cause: error });
}

/** Docker's own sentence, without dockerode's frame around it. */
function answerOf(error: unknown): string {
  const json = (error as Answer).json;
  const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined;
  return typeof message === 'string' ? message : messageOf(error).trim();
}

export function unknownHost(host: string): DavitError {
  return configurationError({
    where: 'DOCKER_HOST',
    what: 'not an address Davit can use',
    seen: JSON.stringify(host),
    fix: 'use unix:///var/run/docker.sock or tcp://host:port',
  });
}
