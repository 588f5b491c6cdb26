export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Without the version prefix; `{id}` stands for one path segment or, for an image, its id. */
  readonly path: string;
  readonly reason: string;
}

/** Everything Davit asks of Docker. A socket proxy needs to allow these and nothing else. */
export const endpoints = {
  version: { method: 'GET', path: '/version', reason: 'speak an API version that this Docker supports' },
  list: { method: 'GET', path: '/containers/json', reason: 'find the containers of the stack by their labels' },
  inspect: { method: 'GET', path: '/containers/{id}/json', reason: 'read labels, mounts, environment and state of a container' },
  image: {
    method: 'GET',
    path: '/images/{id}/json',
    reason: 'note the digest of the image in the manifest, and find it again for a drill',
  },
  top: { method: 'GET', path: '/containers/{id}/top', reason: 'recognise a database by the programs that run' },
  execCreate: { method: 'POST', path: '/containers/{id}/exec', reason: 'run the dump or restore tool and hooks inside the container' },
  execStart: { method: 'POST', path: '/exec/{id}/start', reason: 'stream the output or input of that command' },
  execInspect: { method: 'GET', path: '/exec/{id}/json', reason: 'learn the exit code of that command' },
  create: {
    method: 'POST',
    path: '/containers/create',
    reason: 'make the worker that reads volumes, the journal, the mark of a restore that is not done, and the servers of a drill',
  },
  attach: { method: 'POST', path: '/containers/{id}/attach', reason: 'hand a worker its job on stdin and read its events' },
  wait: { method: 'POST', path: '/containers/{id}/wait', reason: 'learn that a worker has ended and is gone' },
  start: { method: 'POST', path: '/containers/{id}/start', reason: 'start a worker or a server of a drill, and again what was stopped' },
  stop: { method: 'POST', path: '/containers/{id}/stop', reason: 'davit.quiesce=stop, and the apps during a restore' },
  pause: { method: 'POST', path: '/containers/{id}/pause', reason: 'davit.quiesce=pause' },
  unpause: { method: 'POST', path: '/containers/{id}/unpause', reason: 'undo davit.quiesce=pause' },
  remove: { method: 'DELETE', path: '/containers/{id}', reason: 'remove workers, journals, marks and the servers of a drill' },
} as const satisfies Record<string, Endpoint>;

export type EndpointName = keyof typeof endpoints;
