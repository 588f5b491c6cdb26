import Dockerode from 'dockerode';
import { defaultHost, negotiate, parseHost } from './address.ts';
import { createConnection } from './connection.ts';
import type { ImageInfo } from './container.ts';
import { containers, inspect, processes } from './containers.ts';
import { type Daemon, stateAfter, type Verb } from './daemon.ts';
import type { Docker } from './docker.ts';
import type { EndpointName } from './endpoints.ts';
import { hijacked } from './hijacked.ts';
import { read } from './read.ts';
import { run } from './run.ts';
import { findSelf } from './self.ts';
import { ignore, statusOf, troubleOf, untilAnswered } from './trouble.ts';
import { twin } from './twin.ts';
import { note, work } from './work.ts';
import { write } from './write.ts';

export function createDocker({ host = defaultHost }: { readonly host?: string | undefined } = {}): Docker {
  const daemon = connect(host);
  return {
    self: () => findSelf(daemon),
    containers: (labels) => containers(daemon, labels),
    inspect: (id) => inspect(daemon, id),
    processes: (id) => processes(daemon, id),
    read: (id, command, options) => read(daemon, id, command, options),
    run: (id, command, options) => run(daemon, id, command, options),
    write: (id, command, source, options) => write(daemon, id, command, source, options),
    work: (spec, job, signal) => work(daemon, spec, job, signal),
    twin: (id, spec) => twin(daemon, id, spec),
    note: (name, image, labels) => note(daemon, name, image, labels),
    start: (id) => daemon.change(id, 'start'),
    stop: (id, timeoutMs) => daemon.change(id, 'stop', { graceMs: timeoutMs }),
    pause: (id) => daemon.change(id, 'pause'),
    unpause: (id) => daemon.change(id, 'unpause'),
    remove: (id) => daemon.remove(id),
  };
}

/** An answer that takes longer is trouble, whatever was asked. */
const answerWithinMs = 60_000;

const verbs: Readonly<
  Record<Verb, (container: Dockerode.Container, options: { t?: number; abortSignal: AbortSignal }) => Promise<unknown>>
> = {
  start: (container, options) => container.start(options),
  stop: (container, options) => container.stop(options),
  pause: (container, options) => container.pause(options),
  unpause: (container, options) => container.unpause(options),
};

type Request<T> = (docker: Dockerode, abortSignal: AbortSignal) => Promise<T>;
type Ask = <T>(endpoint: EndpointName, where: string, request: Request<T>, withinMs?: number) => Promise<T>;

/** One call at a time limit, in a version that both sides know, with failures as errors that say what to do. */
function createAsk(host: string): Ask {
  const address = parseHost(host);
  const options = {
    // Even when undefined: docker-modem would read DOCKER_HOST itself.
    ...('socketPath' in address ? { host: undefined, port: undefined, protocol: 'http' as const } : {}),
    ...address,
    timeout: undefined,
  };
  let negotiated: Promise<string> | undefined;

  const ask: Ask = async (endpoint, where, request, withinMs = answerWithinMs) => {
    const version = endpoint === 'version' ? undefined : await agreed();
    const { agent, lost } = createConnection();
    const target = { ...options, agent, ...(version === undefined ? {} : { version }) };
    const docker = new Dockerode(target);
    const limit = new AbortController();
    // Cleared with the answer: later it would close a hijacked connection. Not every call of dockerode knows the signal.
    const timer = withinMs === Infinity ? undefined : setTimeout(() => (limit.abort(), agent.destroy()), withinMs);
    try {
      return await Promise.race([request(docker, limit.signal), lost]);
    } catch (error) {
      throw troubleOf(error, endpoint, where, host);
    } finally {
      clearTimeout(timer);
    }
  };

  function agreed(): Promise<string> {
    negotiated ??= ask('version', 'docker', (docker, abortSignal) => {
      const version = docker.version.bind(docker) as (options: { abortSignal: AbortSignal }) => Promise<Dockerode.DockerVersion>;
      return version({ abortSignal });
    }).then(({ ApiVersion }) => negotiate(ApiVersion));
    negotiated.catch(() => (negotiated = undefined));
    return negotiated;
  }
  return ask;
}

function connect(host: string): Daemon {
  const ask = createAsk(host);
  const names = new Map<string, string>();
  const images = new Map<string, ImageInfo>();
  const describe = (id: string): string => `container "${names.get(id) ?? id.slice(0, 12)}"`;

  const daemon: Daemon = {
    describe,
    async list(labels) {
      const filters = { label: [...labels] };
      const found = await ask('list', 'docker', (docker, abortSignal) => docker.listContainers({ all: true, filters, abortSignal }));
      return found.map(({ Id }) => Id);
    },
    async find(id) {
      try {
        const info = await ask('inspect', describe(id), (docker, abortSignal) => docker.getContainer(id).inspect({ abortSignal }));
        names.set(info.Id, info.Name.slice(1)).set(id, info.Name.slice(1));
        return info;
      } catch (error) {
        return ignore(error, 404);
      }
    },
    async image(id) {
      const request: Request<Dockerode.ImageInspectInfo> = (docker) => docker.getImage(id).inspect();
      const image = images.get(id) ?? (await ask('image', 'docker', request).catch(() => undefined));
      if (image) images.set(id, image);
      return image;
    },
    async top(id) {
      const top = await ask('top', describe(id), (docker, abortSignal) => docker.getContainer(id).top({ abortSignal }));
      return { titles: top.Titles ?? [], processes: top.Processes ?? [] };
    },
    async exec(id, { argv, user, env }) {
      const where = describe(id);
      const spec = {
        Cmd: [...argv],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        ...(user ? { User: user } : {}),
        ...(env ? { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) } : {}),
      };
      const exec = await ask('execCreate', where, (docker, abortSignal) => docker.getContainer(id).exec({ ...spec, abortSignal }));
      const socket = await ask('execStart', where, (docker, abortSignal) =>
        docker.getExec(exec.id).start({ hijack: true, stdin: true, abortSignal }),
      );
      return {
        socket: hijacked(socket, where),
        async inspect() {
          try {
            const { Running, ExitCode } = await ask('execInspect', where, (docker, abortSignal) =>
              docker.getExec(exec.id).inspect({ abortSignal }),
            );
            return { running: Running, exitCode: ExitCode ?? undefined };
          } catch (error) {
            return ignore(error, 404);
          }
        },
      };
    },
    async create(spec) {
      const { id } = await ask('create', `container "${spec.name}"`, (docker, abortSignal) =>
        docker.createContainer({ ...spec, abortSignal }),
      );
      names.set(id, spec.name);
      return id;
    },
    async attach(id) {
      const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
      const socket = await ask('attach', describe(id), (docker, abortSignal) =>
        docker.getContainer(id).attach({ ...options, abortSignal }),
      );
      return hijacked(socket, describe(id));
    },
    async removed(id, withinMs = Infinity) {
      return (await ask('wait', describe(id), (docker) => docker.getContainer(id).wait({ condition: 'removed' }), withinMs)).StatusCode;
    },
    async change(id, verb, { graceMs = 0 } = {}) {
      const grace = verb === 'stop' ? { t: Math.ceil(graceMs / 1000) } : {};
      const request: Request<unknown> = (docker, abortSignal) => verbs[verb](docker.getContainer(id), { ...grace, abortSignal });
      const once = async (): Promise<void> => {
        try {
          await ask(verb, describe(id), request, answerWithinMs + graceMs);
        } catch (error) {
          const state = await daemon.find(id).catch(() => undefined);
          if (state?.State.Status !== stateAfter[verb]) throw error;
        }
      };
      await untilAnswered(once).catch((error: unknown) => ignore(error, 304));
    },
    async remove(id) {
      const options = (abortSignal: AbortSignal) => ({ force: true, v: true, abortSignal });
      try {
        await untilAnswered(() =>
          ask('remove', describe(id), (docker, abortSignal) => docker.getContainer(id).remove(options(abortSignal))),
        );
      } catch (error) {
        // 409: somebody else, or AutoRemove, is at it.
        if (statusOf(error) === 409) await daemon.removed(id, answerWithinMs).catch((gone: unknown) => ignore(gone, 404));
        else ignore(error, 404);
      }
      names.delete(id);
    },
  };
  return daemon;
}
