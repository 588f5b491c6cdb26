import type { Readable } from 'node:stream';
import { z } from 'zod';
import { DavitError, exitCodes, firstOf, messageOf } from '../model/errors.ts';
import { parseEnvironment } from '../config/environment.ts';
import { createRepository } from '../repository/index.ts';
import type { Repository } from '../repository/repository.ts';
import { drillTree } from '../steps/drill-tree.ts';
import { captureTree, extractTree, type Job, jobSchema } from '../steps/job.ts';
import { trust } from '../trust.ts';
import { pulseMs, type WorkerEvent } from '../steps/worker.ts';

const orderSchema = z.object({
  environment: z.record(z.string(), z.string()),
  authorities: z.array(z.string()),
  owner: z.object({ uid: z.number(), gid: z.number() }).optional(),
  job: jobSchema,
});

/**
 * `davit worker`: started by Davit in a container that holds one volume. The order comes on stdin, the outcome goes to stdout. The end of
 * stdin means that nobody waits any more: before the outcome it aborts the job, after it it lets the worker exit.
 */
export async function worker(input: Readable, output: NodeJS.WritableStream): Promise<void> {
  const abandoned = new AbortController();
  let report: WorkerEvent;
  let bytes = 0;
  const say = (event: WorkerEvent): void => void output.write(`${JSON.stringify(event)}\n`);
  const { order, closed } = await readOrder(input);
  const pulse = setInterval(() => {
    say({ event: 'alive', bytes });
    bytes = 0;
  }, pulseMs);
  void closed.then(() => abandoned.abort(new DavitError({ where: 'worker', what: 'was abandoned' })));
  try {
    const { environment, authorities, owner, job } = orderSchema.parse(JSON.parse(order));
    trust(authorities);
    const repository = await createRepository(parseEnvironment(environment), environment, (more) => void (bytes += more), owner);
    report = {
      event: 'done',
      result: await doJob(repository, job, abandoned.signal),
    };
  } catch (thrown) {
    const error = firstOf(thrown);
    const { where, what, seen, fix } =
      error instanceof DavitError ? error.complaint : { where: 'worker', what: messageOf(error), seen: undefined, fix: undefined };
    report = {
      event: 'failed',
      exitCode: error instanceof DavitError && error.exitCode === exitCodes.configuration ? exitCodes.configuration : exitCodes.failed,
      complaint: { where, what, ...(seen === undefined ? {} : { seen }), ...(fix === undefined ? {} : { fix }) },
    };
  }
  clearInterval(pulse);
  say({ event: 'alive', bytes });
  say(report);
  await closed;
}

function doJob(repository: Repository, job: Job, signal: AbortSignal): Promise<unknown> {
  if (job.kind === 'capture') return captureTree(repository, job, signal);
  return job.kind === 'extract' ? extractTree(repository, job, signal) : drillTree(repository, job, signal);
}

/** A Davit that was killed before it sent the order leaves an open stdin behind that nobody will ever close. */
const orderLimitMs = 15_000;

/** The first line, and when the input ends. */
function readOrder(input: Readable): Promise<{ order: string; closed: Promise<void> }> {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const { promise, resolve, reject } = Promise.withResolvers<{ order: string; closed: Promise<void> }>();
  const giveUp = (): void => {
    reject(new DavitError({ where: 'worker', what: 'got no order', fix: 'this command is for Davit itself' }));
    input.destroy();
  };
  const limit = setTimeout(giveUp, orderLimitMs);
  let text = '';
  input.setEncoding('utf8');
  input.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end === -1) return;
    clearTimeout(limit);
    resolve({ order: text.slice(0, end), closed });
  });
  input.on('end', () => {
    clearTimeout(limit);
    close();
    giveUp();
  });
  return promise;
}
