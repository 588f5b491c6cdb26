import { Socket } from 'node:net';
import { DavitError } from '../model/errors.ts';

/** The connection that is left when Docker, or a proxy before it, has agreed to drop HTTP. */
export function hijacked(connection: unknown, where: string): Socket {
  if (!(connection instanceof Socket)) {
    throw new DavitError({ where, what: 'the connection could not be upgraded', fix: 'let the socket proxy pass "Upgrade: tcp"' });
  }
  // A long silence must not make a firewall forget the connection, nor us miss that the other side is gone.
  return connection.setKeepAlive(true, 30_000);
}
