import { expect, test } from 'vitest';
import { createStack } from '../support/stack.ts';

test('a path brings back the volumes that are mounted below it, too', async () => {
  const volumes = ['outer:/srv/data', 'inner:/srv/data/deep/inner', 'other:/srv/data2'];
  await using stack = await createStack({
    services: { app: { image: 'davit-test/app', volumes, labels: ['davit.enable=true'] } },
    volumes: ['outer', 'inner', 'other'],
  });
  await stack.up();
  const write = (text: string) =>
    stack.sh('app', `cd /srv; for f in data/a data/deep/b data/deep/inner/c data2/d; do echo ${text} > $f; done`);
  const states = () => stack.sh('app', 'cd /srv; cat data/a data/deep/b data/deep/inner/c data2/d | xargs');
  await write('old');
  await stack.backup();
  for (const [path, expected] of [
    ['/srv/data/deep/inner', 'new new old new'],
    ['/srv/data/deep', 'new old old new'],
    ['/srv/data', 'old old old new'],
    ['/srv', 'old old old old'],
  ] as const) {
    await write('new');
    await stack.restore('latest', '--no-safety', '--path', path);
    expect(await states(), path).toBe(expected);
  }
  await stack.restore('latest', '--to', '/tmp/out', '--path', '/srv/data/deep/');
  expect(await stack.sh('davit', 'cd /tmp/out; find . -type f | sort')).toBe(
    './app/files/srv/data/deep/b\n./app/files/srv/data/deep/inner/c',
  );
});
