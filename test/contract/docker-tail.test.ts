import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { expect, test } from 'vitest';
import { createDocker } from '../../src/docker/dockerode.ts';
import { createFrameParser } from '../../src/docker/frames.ts';
import { startContainer } from '../support/docker.ts';
import { startSocketProxy } from '../support/socket-proxy.ts';

/** The daemon waits 2 s for a reader and then drops what it has not copied. */
const stallMs = 6000;
const streams = 64;
const firstBytes = 1_000_000;
const lastBytes = 2_000_000;

/** Our own side takes this much before the stall reaches the daemon; without it the sweep would miss the window. */
const ownBuffersBytes = 1_600_000;

const sizes = Array.from({ length: streams }, (_, index) => Math.round(firstBytes + (index * (lastBytes - firstBytes)) / (streams - 1)));

async function count(stream: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

/** The stream as Docker gives it, without our wrapper, read by a correct client. */
async function readPlain(id: string, bytes: number): Promise<number> {
  const options = { Cmd: ['head', '-c', String(bytes), '/dev/zero'], AttachStdout: true, AttachStdin: true, AttachStderr: true };
  const exec = await new Dockerode({ socketPath: '/var/run/docker.sock' }).getContainer(id).exec(options);
  const socket = await exec.start({ hijack: true, stdin: true });
  socket.pause();
  await delay(stallMs);
  let received = 0;
  const frames = createFrameParser({ stdout: (piece) => (received += piece.length), stderr() {} });
  for await (const chunk of socket as AsyncIterable<Buffer>) frames.write(chunk);
  expect((await exec.inspect()).ExitCode).toBe(0);
  return received;
}

test('no byte is lost when the reader stands still while the command ends', { timeout: 300_000 }, async () => {
  await using box = await startContainer();
  const davit = createDocker();
  const received = await Promise.all(
    sizes.map(async (size) => {
      const bytes = size + ownBuffersBytes;
      const stream = davit.read(box.id, { argv: ['head', '-c', String(bytes), '/dev/zero'] });
      await delay(stallMs);
      return { bytes, received: await count(stream) };
    }),
  );
  expect(received.filter(({ bytes, received }) => bytes !== received)).toEqual([]);
});

test('which the plain stream does not promise (shown, not asserted)', { timeout: 300_000 }, async () => {
  await using box = await startContainer();
  const lost = await Promise.all(sizes.map(async (bytes) => bytes - (await readPlain(box.id, bytes))));
  const cut = lost.filter((bytes) => bytes > 0);
  console.log(`plain exec: ${cut.length} of ${streams} streams lost ${cut.join(', ')} bytes, each with a clean end and exit code 0`);
});

test.each(['client', 'docker'] as const)('an end of the %s that a proxy does not pass on is not waited for', async (side) => {
  await using box = await startContainer();
  await using proxy = await startSocketProxy({ forgetsEndOf: side });
  const through = createDocker({ host: proxy.host });
  expect(await count(through.read(box.id, { argv: ['printf', 'davit'] }, { idleTimeoutMs: 60_000 }))).toBe(5);
});

test('nor after a command that was fed', async () => {
  await using box = await startContainer();
  await using proxy = await startSocketProxy({ forgetsEndOf: 'docker' });
  const through = createDocker({ host: proxy.host });
  expect((await through.write(box.id, { argv: ['wc', '-c'] }, Readable.from([Buffer.from('davit')]))).stdout.trim()).toBe('5');
});
