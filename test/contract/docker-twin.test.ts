import { expect, test } from 'vitest';
import { createDocker } from '../../src/docker/dockerode.ts';
import type { TwinSpec } from '../../src/docker/docker.ts';
import { appImage, docker, startContainer, testLabel } from '../support/docker.ts';

const davit = createDocker();

function specOf(change: Partial<TwinSpec> = {}): TwinSpec {
  const [key = '', value = ''] = testLabel.split('=');
  return {
    name: `davit-test-twin-${crypto.randomUUID().slice(0, 8)}`,
    hostname: 'db',
    image: undefined,
    labels: { [key]: value },
    volumes: [],
    mounts: [],
    standIns: {
      variable: (name, value) => (name === 'SECRET' ? 'stand-in' : value),
      words: (words) => words.map((word) => word.replace('secret', 'stand-in')),
    },
    ...change,
  };
}

test('a twin runs the same, with new volumes, and reaches nobody but itself; it takes its volumes with it', async () => {
  const options = ['--env', 'SECRET=planted', '--env', 'NAME=value', '--volume', '/data', '--memory', '100m', '--hostname', 'other'];
  await using original = await startContainer({ options, command: ['sh', '-c', 'echo secret; touch /data/original; sleep 1000'] });
  const id = await davit.twin(
    original.id,
    specOf({ volumes: ['/data'], mounts: [{ type: 'bind', source: '/etc/hostname', target: '/config' }] }),
  );
  try {
    expect((await davit.inspect(id)).state).toBe('created');
    await davit.start(id);
    const run = async (line: string) => (await davit.run(id, { argv: ['sh', '-c', `{ ${line}; } 2>&1 || true`] })).stdout.trim();
    expect(await run('echo $SECRET $NAME $(hostname) $(hostname -i)')).toBe('stand-in value db 127.0.0.2');
    expect(await run('ls /sys/class/net')).toBe('lo');
    expect(await run('ls /data; echo x > /config')).toMatch(/^original\n.*Read-only file system/s);
    const text = await docker('inspect', id);
    expect(text).not.toMatch(/planted|secret/);
    const [{ Mounts, HostConfig }] = JSON.parse(text) as [{ Mounts: { Name?: string }[]; HostConfig: { Memory: number } }];
    expect(HostConfig.Memory).toBe(100 * 1024 * 1024);
    const [volume = ''] = Mounts.flatMap(({ Name }) => Name ?? []);
    expect(await docker('volume', 'ls', '-q', '--filter', `name=${volume}`)).toBe(volume);
    await davit.remove(id);
    expect(await docker('volume', 'ls', '-q', '--filter', `name=${volume}`)).toBe('');
  } finally {
    await davit.remove(id);
  }
});

test('an image that is here is taken, whatever the original runs; one that is not here is not waited for', async () => {
  await using original = await startContainer({ command: ['sleep', '1000'] });
  const other = await docker('image', 'inspect', '-f', '{{.Id}}', 'davit-test/base:trixie');
  const own = await docker('image', 'inspect', '-f', '{{.Id}}', appImage);
  for (const [image, expected] of [
    [other, other],
    [`sha256:${'0'.repeat(64)}`, own],
    ['example/none@sha256:'.padEnd(84, '0'), own],
  ] as const) {
    const id = await davit.twin(original.id, specOf({ image }));
    try {
      expect(await docker('inspect', '-f', '{{.Image}}', id)).toBe(expected);
    } finally {
      await davit.remove(id);
    }
  }
  await expect(davit.twin('no-such-container', specOf())).rejects.toThrow('there is no such container');
});
