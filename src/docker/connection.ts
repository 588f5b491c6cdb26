import { Agent } from 'node:http';
import { inspect } from 'node:util';

export interface Connection {
  readonly agent: Agent;
  /** Rejects when the connection has ended: an answer that is cut in its middle is no event to dockerode. */
  readonly lost: Promise<never>;
}

/** What has arrived is handed on before the end counts. */
const handOverMs = 100;

/** One connection for one request: a kept one may have been closed by a proxy just when a POST goes out. */
export function createConnection(): Connection {
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {});
  const giveUp = (): void => reject(Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' }));
  const agent = new Agent({ keepAlive: false });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    socket?.once('close', () => setTimeout(giveUp, handOverMs).unref());
    return socket;
  };
  // docker-modem describes its options for a debug line at every call, all open connections of the agent with them.
  return { agent: Object.assign(agent, { [inspect.custom]: () => 'Agent' }), lost };
}
