import { expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { docker } from '../support/docker.ts';
import { healthy } from '../support/healthchecks.ts';
import { hostileTree } from '../support/hostile-tree.ts';
import { app } from '../support/services.ts';
import { createStack, type TestStack } from '../support/stack.ts';

/** Everything that can be told about a tree, raw bytes made visible. */
const description = String.raw`
find . -printf '%p | %y | %m | %U:%G | %T@ | %l | %n\n' | sort
find . -type f -print0 | sort -z | xargs -0 sha256sum
find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --
find . ! -type l -print0 | sort -z | xargs -0 getfacl -n --
find . \( -type c -o -type b \) -exec stat -c '%n is %t:%T' {} + | sort`;

const bash = (stack: TestStack, folder: string, script: string): Promise<string> =>
  stack.sh('app', `cd ${folder} && bash -e -o pipefail | cat -v`, script);
const describeTree = (stack: TestStack, folder: string): Promise<string> => bash(stack, folder, description);
const names = ({ artifacts }: Manifest): string[] => artifacts.map(({ service, name }) => `${service}/${name}`);

test('hostile trees come back exactly, from a volume, a bind mount and a volume that Davit has itself', async () => {
  await using stack = await createStack({
    services: {
      app: app('data', { volumes: ['data:/data', 'inner:/data/inner', './bind:/bound', 'own:/own', 'empty:/empty'] }),
      web: app('data', { volumes: ['data:/www', 'inner:/inner:ro', 'scratch:/scratch', { type: 'tmpfs', target: '/memory' }] }),
    },
    volumes: ['data', 'inner', 'own', 'empty', 'scratch'],
    davit: { volumes: ['own:/mnt/own'] },
  });
  await stack.up();
  const hostile = ['/data', '/bound', '/own'];
  for (const folder of hostile) await bash(stack, folder, hostileTree);
  await bash(stack, '/data/inner', 'echo nested > file; mkdir sub; touch -d @1 sub; ln -s /data/file link');
  await bash(stack, '/empty', 'chown 7:8 .; chmod 1711 .; touch -d @1234567890.5 .');
  const trees = [...hostile, '/data/inner', '/empty'];
  const before = await Promise.all(trees.map((folder) => describeTree(stack, folder)));

  const manifest = await stack.backup();
  expect(manifest.status).toBe('complete');
  expect(names(manifest)).toEqual([
    'app/files/bound',
    'app/files/data',
    'app/files/data/inner',
    'app/files/empty',
    'app/files/own',
    'web/files/scratch',
  ]);
  const [plan] = await stack.json<{ skipped: { what: string; why: string }[] }[]>(['plan']);
  expect(plan?.skipped).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: '/www', why: 'same volume as /data of "app", stored once' }),
      expect.objectContaining({ what: '/inner', why: expect.stringContaining('read-only') }),
      expect.objectContaining({ what: '/memory', why: expect.stringContaining('tmpfs') }),
    ]),
  );

  for (const folder of trees)
    await bash(stack, folder, 'echo extra > extra; mkdir -p more/of/it; rm -rf file deep sub; chown 0:0 .; chmod 0777 .; touch .');
  await bash(stack, '/data', 'echo spoiled > sparse; setfattr -n user.extra -v x empty-dir; ln -sfn /elsewhere symlink');
  await stack.restore('latest', '--no-safety');
  for (const [index, folder] of trees.entries()) expect.soft(await describeTree(stack, folder), folder).toBe(before[index]);
  expect(Number(await stack.sh('app', 'du -k /data/sparse | cut -f1'))).toBeLessThan(1000);

  await stack.wipe(['app', 'web'], ['data', 'inner', 'empty', 'scratch']);
  await stack.up();
  await stack.restore('latest', '--no-safety');
  for (const [index, folder] of trees.entries()) expect.soft(await describeTree(stack, folder), folder).toBe(before[index]);
  expect(await stack.leftovers()).toEqual([]);
});

test('globs decide what is stored, and what they leave out stays as it is when the rest is restored', async () => {
  await using stack = await createStack({
    services: {
      app: app('data', {
        volumes: ['data:/data', 'more:/data/more'],
        labels: ['davit.files.include=/data/keep/**,/data/*.conf', 'davit.files.exclude=/data/keep/cache,/data/**/*.log'],
      }),
      part: app('parts', { labels: ['davit.files=/data/wanted,/data/one-file'] }),
    },
    volumes: ['data', 'more', 'parts'],
  });
  await stack.up();
  const write = (word: string): Promise<string> =>
    bash(
      stack,
      '/data',
      `mkdir -p keep/cache keep/deep other; for file in keep/a keep/deep/b keep/deep/b.log keep/cache/c other/d x.conf y.txt more/m; do echo ${word} > "$file"; done`,
    );
  await write('old');
  await stack.sh('part', 'cd /data; mkdir wanted; echo old | tee wanted/a one-file left-out');
  const manifest = await stack.backup();
  expect(names(manifest)).toEqual(['app/files/data', 'app/files/data/more', 'part/files/data/one-file', 'part/files/data/wanted']);

  await write('new');
  await stack.sh('app', 'cd /data; echo new | tee keep/late keep/late.log other/late late.conf');
  await stack.sh('part', 'cd /data; echo new | tee wanted/a wanted/late one-file left-out');
  await stack.restore('latest', '--no-safety');
  expect(await bash(stack, '/data', 'grep -r . . | sort')).toBe(
    [
      './keep/a:old',
      './keep/cache/c:new',
      './keep/deep/b.log:new',
      './keep/deep/b:old',
      './keep/late.log:new',
      './other/d:new',
      './other/late:new',
      './x.conf:old',
      './y.txt:new',
    ]
      .concat('./more/m:new')
      .toSorted()
      .join('\n'),
  );
  expect(await stack.sh('part', 'cd /data; grep -r . . | sort')).toBe('./left-out:new\n./one-file:old\n./wanted/a:old');
});

test('files that grow and vanish while they are read are told, and harm nothing', async () => {
  await using stack = await createStack({
    services: {
      app: app('data', {
        command: [
          'sh',
          '-c',
          '[ -e /data/ready ] || { head -c 60M /dev/urandom > /data/grows; cp /data/grows /data/still; touch /data/ready; }; while :; do date >> /data/grows; mkdir -p /data/d; touch /data/d/a /data/d/b /data/d/c; rm -r /data/d; done',
        ],
        healthcheck: healthy('test', '-e', '/data/ready'),
      }),
    },
    volumes: ['data'],
  });
  await stack.up();
  const manifest = await stack.backup();
  expect(manifest.status).toBe('complete');
  expect(manifest.warnings.join('\n')).toMatch(/^app\/files\/data: .*grows: file changed as we read it$/m);
  const sum = await stack.sh('app', 'sha256sum < /data/still');
  await stack.restore('latest', '--no-safety', '--path', '/data/still');
  expect(await stack.sh('app', 'sha256sum < /data/still')).toBe(sum);
});

test('a folder and a file that lie deeper in a volume come back into an empty one', async () => {
  const labels = ['davit.files=/data/sub/deep,/data/one/file'];
  await using stack = await createStack({ services: { app: app('data', { labels }) }, volumes: ['data'] });
  await stack.up();
  await stack.sh('app', 'mkdir -p /data/sub/deep /data/one; echo a >/data/sub/deep/a; echo b >/data/one/file; chmod 640 /data/one/file');
  await stack.backup();
  await stack.wipe(['app'], ['data']);
  await stack.compose('create');
  await stack.restore('latest');
  expect(await stack.sh('app', 'cd /data; cat sub/deep/a one/file; stat -c %a one/file')).toBe('a\nb\n640');
});

/** Engines before 26 do not know this. */
const knowsSubpaths = Number((await docker('version', '--format', '{{.Server.APIVersion}}')).split('.')[1]) >= 45;

test.runIf(knowsSubpaths)(
  'of a volume only the folder is stored and replaced that a service has of it, also where it holds the snapshots',
  async () => {
    const folder = (target: string, subpath: string) => ({ type: 'volume', source: 'shared', target, volume: { subpath } });
    await using stack = await createStack({
      services: {
        keeper: { image: 'davit-test/app', volumes: ['shared:/shared'] },
        app: { image: 'davit-test/app', volumes: [folder('/data', 'apps/one')], labels: ['davit.files.exclude=/data/cache/**'] },
      },
      volumes: ['shared'],
      environment: { DAVIT_STORAGE: 'file:///kept' },
      davit: { volumes: [folder('/kept', 'backups')] },
    });
    await stack.up('keeper');
    const shared = (line: string) => stack.sh('keeper', `cd /shared; ${line}`);
    const states = 'cat apps/one/state apps/one/cache/state other/state';
    await shared('mkdir -p apps/one/cache other backups; for f in apps/one apps/one/cache other; do echo before > $f/state; done');
    await stack.up();
    const manifest = await stack.backup();
    expect(names(manifest)).toEqual(['app/files/data']);
    expect(manifest.artifacts[0]?.mount?.subpath).toBe('apps/one');
    await shared('for f in apps/one apps/one/cache other; do echo after > $f/state; done; touch apps/one/more');
    await stack.restore('latest', '--no-safety');
    expect(await shared(`${states}; ls apps/one`)).toBe('before\nafter\nafter\ncache\nstate');
    await shared('rm -r apps');
    await stack.restore('latest', '--no-safety');
    expect(await shared('cat apps/one/state')).toBe('before');
    expect((await stack.json<{ artifacts: { error?: string }[] }[]>(['drill']))[0]?.artifacts[0]?.error).toBeUndefined();
  },
);
