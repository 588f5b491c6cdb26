import { appendFile, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createResticRepository } from '../../src/repository/restic/index.ts';
import { takeLock } from '../../src/repository/restic/locks.ts';
import { putJson } from '../../src/repository/restic/objects.ts';
import { openExisting, type Opened } from '../../src/repository/restic/open.ts';
import { digest, noise, streamOf } from '../support/bytes.ts';
import { until } from '../support/processes.ts';
import { newestRestic, password } from '../support/restic.ts';
import { createResticLab, type ResticLab } from '../support/restic-lab.ts';
import { artifactOf, dump, manifestOf, newAddress, onlyArtifact, storeSnapshot } from '../support/snapshots.ts';

let lab: ResticLab;
beforeEach(async () => {
  lab = await createResticLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

test('what somebody else removes meanwhile is noticed by a Davit that has known it', async () => {
  const shared = noise(6_000_000);
  await storeSnapshot(lab.repository, newAddress('shop'), shared);
  const other = createResticRepository({ storage: lab.storage, password });
  await other.remove((await other.list('shop')).manifests);
  const manifest = await storeSnapshot(lab.repository, newAddress('shop'), shared);
  expect(onlyArtifact(manifest).stored.bytes).toBeGreaterThan(6_000_000);
  expect(newestRestic().run(lab.location, 'check', '--read-data')).toContain('no errors were found');
});

test('what lies there and is no part of the repository, such as what a killed restic has left half-made, is passed over', async () => {
  const gone = await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
  const names = [`${'0'.repeat(64)}-tmp-123456789`, '.DS_Store'];
  const foreign = ['keys', 'index', 'snapshots', 'locks', 'data/00'].flatMap((folder) => names.map((name) => join(folder, name)));
  for (const file of foreign) {
    await mkdir(dirname(join(lab.location, file)), { recursive: true });
    await writeFile(join(lab.location, file), 'half');
  }
  const repository = createResticRepository({ storage: lab.storage, password });
  const kept = await storeSnapshot(repository, newAddress('shop'), noise(2000));
  await repository.remove([gone]);
  expect(await repository.list('shop')).toEqual({ manifests: [kept], damaged: [] });
  expect((await Array.fromAsync(lab.storage.list(''))).map(({ key }) => key)).toEqual(expect.arrayContaining(foreign));
  expect(newestRestic().run(lab.location, 'check', '--read-data')).toContain('no errors were found');
});

test('a reader follows what a prune moves under its eyes', async () => {
  const [shared, other] = [noise(30_000_000), noise(12_000_000, 3)];
  const gone = await storeSnapshot(lab.repository, newAddress('shop'), Buffer.concat([other, shared]));
  const kept = await storeSnapshot(lab.repository, newAddress('shop'), shared);
  const stream = await lab.repository.read(kept, onlyArtifact(kept));
  await createResticRepository({ storage: lab.storage, password }).remove([gone]);
  expect(await digest(stream)).toEqual(onlyArtifact(kept).plain);
});

test('a snapshot is refused when somebody has pruned in spite of the lock', async () => {
  const gone = await storeSnapshot(lab.repository, newAddress('shop'), noise(6_000_000));
  await using writer = await lab.repository.begin(newAddress('shop'));
  const stored = await writer.put(dump, streamOf(noise(6_000_000)));
  newestRestic().run(lab.location, 'unlock', '--remove-all');
  await createResticRepository({ storage: lab.storage, password }).remove([gone]);
  const address = newAddress('shop');
  await expect(writer.commit(manifestOf(address, [artifactOf(dump, stored)]))).rejects.toThrow(/was pruned while this was written/);
  expect((await lab.repository.list('shop')).manifests).toEqual([]);
});

test('a prune gives back the space, and keeps what is shared', async () => {
  const [shared, other] = [noise(6_000_000), noise(12_000_000, 3)];
  const old = await storeSnapshot(lab.repository, newAddress('shop'), Buffer.concat([shared, other]));
  const kept = await storeSnapshot(lab.repository, newAddress('shop'), shared);
  const bytes = async (): Promise<number> => (await Array.fromAsync(lab.storage.list('data'))).reduce((sum, one) => sum + one.bytes, 0);
  expect(await bytes()).toBeGreaterThan(18_000_000);
  await lab.repository.remove([old]);
  expect(await bytes()).toBeLessThan(8_500_000);
  expect(await lab.repository.check([kept], 'bytes')).toEqual([]);
  expect(newestRestic().run(lab.location, 'check', '--read-data')).toContain('no errors were found');
});

describe('a lock of somebody else', () => {
  let opened: Opened;
  beforeEach(async () => {
    await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
    const existing = await openExisting(lab.storage, password);
    if (existing === undefined) throw new Error('there is no repository');
    opened = existing;
  });
  const locks = async (): Promise<string[]> => (await Array.fromAsync(lab.storage.list('locks'))).map(({ key }) => join(lab.location, key));
  const isIdle = async (file: string, minutes: number): Promise<void> => utimes(file, 0, Date.now() / 1000 - minutes * 60);
  const refused = async (reason: RegExp) => expect(takeLock(opened, true, 'x', { patienceMs: 0 })).rejects.toThrow(reason);

  test('holds as long as it is fresh, also when no process of this machine has its number: it may run in another container', async () => {
    const endless = spawn('sh', ['-c', 'cat; sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const restic = spawn(newestRestic().program, ['-r', lab.location, '--no-cache', 'backup', '--stdin'], {
      stdio: [endless.stdout, 'ignore', 'ignore'],
      env: { RESTIC_PASSWORD: password, HOME: '/nonexistent' },
    });
    await until(async () => (await locks()).length > 0);
    await refused(/in use by somebody else: a lock of process \d+ on /);
    restic.kill('SIGKILL');
    await once(restic, 'exit');
    endless.kill();
    await refused(/in use by somebody else/);
    const [file = ''] = await locks();
    await isIdle(file, 31);
    await using _lock = await takeLock(opened, true, 'x', { patienceMs: 0 });
    expect(await locks()).toEqual([expect.not.stringMatching(file)]);
  });

  test('holds by the time of the storage, whatever the clock of its machine or of this one says', async () => {
    await putJson(lab.storage, opened.seal, 'locks', { time: '2020-01-01T00:00:00Z', exclusive: true, hostname: 'other', pid: 1 });
    await refused(/an exclusive lock of process 1 on other/);
    const now = Date.now.bind(Date);
    using _ahead = vi.spyOn(Date, 'now').mockImplementation(() => now() + 7_200_000);
    await refused(/an exclusive lock of process 1 on other/);
    expect(await locks()).toHaveLength(1);
  });

  test('that cannot be read is said, and does not last', async () => {
    const file = join(lab.location, 'locks', '0'.repeat(64));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '');
    await refused(/an exclusive lock of locks\/0+, which cannot be read, fresh at/);
    await isIdle(file, 31);
    await using _lock = await takeLock(opened, true, 'x', { patienceMs: 0 });
    expect(await locks()).toHaveLength(1);
  });
});

test('a repository that was taken away is made anew by a Davit that has known it', async () => {
  await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
  await rm(lab.location, { recursive: true });
  await mkdir(lab.location);
  expect((await lab.repository.list('shop')).manifests).toEqual([]);
  const manifest = await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
  expect((await createResticRepository({ storage: lab.storage, password }).list('shop')).manifests).toEqual([manifest]);
});

test('two that make a repository at once: what is committed can be read', async () => {
  const outcomes = await Promise.allSettled(
    [1, 2].map((seed) => storeSnapshot(createResticRepository({ storage: lab.storage, password }), newAddress('shop'), noise(1000, seed))),
  );
  const stored = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
  expect(stored).toHaveLength(2);
  const repository = createResticRepository({ storage: lab.storage, password });
  const { manifests } = await repository.list('shop');
  expect(manifests.map(({ id }) => id).toSorted()).toEqual(stored.toSorted());
  for (const manifest of manifests) expect(await repository.check([manifest], 'bytes')).toEqual([]);
  await storeSnapshot(repository, newAddress('shop'), noise(1000));
  expect(newestRestic().run(lab.location, 'check', '--read-data')).toContain('no errors were found');
});

test('a wrong password is said, and changes nothing', async () => {
  await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
  const stranger = createResticRepository({ storage: lab.storage, password: 'another' });
  await expect(stranger.list('shop')).rejects.toThrow(/DAVIT_PASSWORD: opens none of the 1 keys/);
  await expect(stranger.begin(newAddress('shop'))).rejects.toThrow(/DAVIT_PASSWORD/);
});

test('locks keep removal and writing apart, also those of restic', async () => {
  const manifest = await storeSnapshot(lab.repository, newAddress('shop'), noise(1000));
  const writer = await lab.repository.begin(newAddress('shop'));
  expect(() => newestRestic().run(lab.location, 'prune')).toThrow(/already locked/);
  const removal = lab.repository.remove([manifest]);
  await writer.put(dump, streamOf(noise(2000)));
  expect((await lab.repository.list('shop')).manifests).toHaveLength(1);
  await writer.abort();
  await removal;
  expect((await lab.repository.list('shop')).manifests).toEqual([]);
  expect(await Array.fromAsync(lab.storage.list('locks'))).toEqual([]);
  expect(newestRestic().run(lab.location, 'check')).toContain('no errors were found');
});

test('a snapshot that cannot be read is reported, and then nothing is removed', async () => {
  const [one, two] = [
    await storeSnapshot(lab.repository, newAddress('shop'), noise(10)),
    await storeSnapshot(lab.repository, newAddress('shop'), noise(20)),
  ];
  const [damaged] = await Array.fromAsync(lab.storage.list('snapshots'));
  await appendFile(join(lab.location, damaged?.key ?? ''), 'x');
  const repository = createResticRepository({ storage: lab.storage, password });
  const { manifests, damaged: problems } = await repository.list('shop');
  expect(manifests).toHaveLength(1);
  expect(problems).toEqual([expect.stringContaining('the stored bytes are not those')]);
  await expect(repository.remove([one, two])).rejects.toThrow(/cannot be read, so nothing is removed/);
});
