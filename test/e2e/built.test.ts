import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { docker, startContainer } from '../support/docker.ts';
import { app } from '../support/services.ts';
import { createStack, davitImage } from '../support/stack.ts';

test('what `docker run` makes of an image that compose has built is not taken for its service, nor are workers for Davit', async () => {
  const image = `davit-test-built-${randomUUID().slice(0, 8)}`;
  const built = (name: string, base: string) => ({ image: name, pull_policy: 'build', build: { dockerfile_inline: `FROM ${base}` } });
  await using images = new AsyncDisposableStack();
  images.defer(async () => void (await docker('image', 'rm', image, `${image}-davit`)));
  await using stack = await createStack({
    services: { app: { ...app('files'), ...built(image, 'davit-test/app') } },
    volumes: ['files'],
    davit: { ...built(`${image}-davit`, davitImage), labels: ['davit.files=/etc/own'], volumes: ['./own:/etc/own:ro'] },
    files: { own: 'own\n' },
  });
  await stack.up();
  await stack.sh('app', 'echo a > /data/a');
  await using stranger = await startContainer({ image });
  expect(await docker('inspect', '--format', '{{index .Config.Labels "com.docker.compose.service"}}', stranger.id)).toBe('app');

  const manifest = await stack.backup();
  const named = manifest.artifacts.map(({ service, name }) => `${service}/${name}`);
  expect([manifest.status, named]).toEqual(['complete', ['app/files/data', 'davit/files/etc/own']]);
  await stack.sh('app', 'rm /data/a');
  await stack.restore('latest');
  expect(await stack.sh('app', 'cat /data/a')).toBe('a');
  expect(await stack.leftovers()).toEqual([]);
});
