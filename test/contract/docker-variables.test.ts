import { request } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { createDocker } from '../../src/docker/dockerode.ts';
import { docker, startContainer } from '../support/docker.ts';

function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath: '/var/run/docker.sock', path }, (answer) => {
      answer
        .setEncoding('utf8')
        .toArray()
        .then((texts) => resolve(texts.join('')), reject);
    })
      .on('error', reject)
      .end();
  });
}

test('variables of a command reach it, and Docker tells nobody', async () => {
  await using box = await startContainer();
  const davit = createDocker();
  const seconds = (): number => Math.floor(Date.now() / 1000);
  const since = String(seconds());
  const env = { PLANTED: 'planted "secret" $x' };
  const argv = ['sh', '-c', 'printf %s "$PLANTED"; cat'];

  expect((await davit.run(box.id, { argv, env })).stdout).toBe(env.PLANTED);
  expect((await davit.write(box.id, { argv, env }, Readable.from([Buffer.from('!')]))).stdout).toBe(`${env.PLANTED}!`);
  expect((await davit.read(box.id, { argv, env }).toArray()).join('')).toBe(env.PLANTED);
  expect((await davit.run(box.id, { argv })).stdout).toBe('');

  const events = await docker(
    'events',
    '--since',
    since,
    '--until',
    String(seconds() + 1),
    '--filter',
    `container=${box.id}`,
    '--format',
    '{{json .}}',
  );
  const ids = new Set([...events.matchAll(/"execID":"(\w+)"/g)].map(([, id]) => id));
  const inspects = await Promise.all([...ids].map((id) => ask(`/exec/${id}/json`)));
  expect(ids.size).toBeGreaterThanOrEqual(4);
  expect(inspects.join('')).toContain('$PLANTED');
  expect(events + inspects.join('')).not.toMatch(/planted .*secret/);
});
