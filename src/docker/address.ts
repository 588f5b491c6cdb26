import { unknownHost } from './trouble.ts';

export const defaultHost = 'unix:///var/run/docker.sock';

export type Address = { readonly socketPath: string } | { readonly host: string; readonly port: string };

/** Where Docker listens: `unix:///path` or `tcp://host:port`, as in DOCKER_HOST. */
export function parseHost(host: string): Address {
  if (host.startsWith('unix://') && host.length > 'unix://'.length) return { socketPath: host.slice('unix://'.length) };
  const url = URL.parse(host);
  if (url && ['tcp:', 'http:'].includes(url.protocol) && url.hostname !== '') return { host: url.hostname, port: url.port || '2375' };
  throw unknownHost(host);
}

/** The newest version both sides know. We use nothing that changed between 1.41 and 1.51. */
export function negotiate(theirs: string): string {
  const ours = '1.51';
  const minor = (version: string): number => Number(version.split('.')[1] ?? 0);
  return `v${minor(theirs) < minor(ours) ? theirs : ours}`;
}
