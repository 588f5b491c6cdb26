import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AbsentPath } from '../../src/model/errors.ts';
import type { ArtifactName, Repository } from '../../src/repository/repository.ts';
import { noise } from '../support/bytes.ts';
import { until } from '../support/docker.ts';
import { describeTree, makeHostileTree } from '../support/hostile-tree.ts';
import { repositories, type OpenRepository } from '../support/repositories.ts';
import { artifactOf, manifestOf, newAddress, onlyArtifact } from '../support/snapshots.ts';

const files: ArtifactName = { service: 'web', name: 'files/var/www', extension: 'tar' };

describe.each(repositories)('repository: $name', ({ open }) => {
  let opened: OpenRepository;
  let repository: Repository;
  let work: string;
  beforeAll(async () => {
    opened = await open();
    repository = opened.repository;
    work = await mkdtemp(join(tmpdir(), 'davit-repository-'));
  });
  afterAll(async () => {
    await rm(work, { recursive: true, force: true });
    await opened[Symbol.asyncDispose]();
  });

  test('keeps a tree with everything in it', async () => {
    const [root, target] = [join(work, 'tree'), join(work, 'unpacked')];
    await mkdir(root);
    await mkdir(target);
    // As a volume that was emptied: what is made in such a folder is of its group, and folders hand that on.
    await chmod(target, 0o2755);
    makeHostileTree(root);
    const address = newAddress('tree');
    await using writer = await repository.begin(address);
    const { warnings, ...stored } = await writer.putTree(files, { root, exclude: ['deep/er'] });
    const manifest = manifestOf(address, [artifactOf(files, stored)]);
    await writer.commit(manifest);
    expect(warnings).toEqual([]);
    await repository.extract(manifest, onlyArtifact(manifest), target);
    execFileSync('rm', ['-r', 'deep/er'], { cwd: root });
    execFileSync('touch', ['-d', '1999-12-31 23:59:59.999999999 UTC', 'deep'], { cwd: root });
    expect(describeTree(target)).toEqual(describeTree(root));
  });

  test('compares a tree with what it became', async () => {
    const [root, target] = [join(work, 'original'), join(work, 'copy')];
    await mkdir(root);
    await mkdir(target);
    makeHostileTree(root);
    await writeFile(join(root, 'plain'), 'as it was');
    const address = newAddress('compare');
    await using writer = await repository.begin(address);
    const { warnings: _, ...stored } = await writer.putTree(files, { root, exclude: ['deep/er'] });
    const manifest = manifestOf(address, [artifactOf(files, stored)]);
    await writer.commit(manifest);
    const tree = onlyArtifact(manifest);
    await repository.extract(manifest, tree, target);
    await repository.compare(manifest, tree, target);
    const plain = join(target, 'plain');
    const differs = (what: string) => expect(repository.compare(manifest, tree, target)).rejects.toThrow(new RegExp(`plain.*${what}`));
    execFileSync('chmod', ['0604', plain]);
    await differs('Mode differs');
    execFileSync('chmod', ['--reference', join(root, 'plain'), plain]);
    await repository.compare(manifest, tree, target);
    await writeFile(plain, 'as it Was');
    execFileSync('touch', ['--reference', join(root, 'plain'), plain]);
    await differs('Contents differ');
    await rm(plain);
    await differs('No such file');
  });

  test('a tree that is gone is no reason to wait for the program that would unpack it', async () => {
    const [root, target] = [join(work, 'lost'), join(work, 'empty')];
    await mkdir(root);
    await mkdir(target);
    await writeFile(join(root, 'random'), noise(300_000, 5));
    const address = newAddress('lost');
    await using writer = await repository.begin(address);
    const { warnings: _, ...stored } = await writer.putTree(files, { root, exclude: [] });
    const manifest = manifestOf(address, [artifactOf(files, stored)]);
    await writer.commit(manifest);
    const objects = await Array.fromAsync(opened.storage.list(''));
    await opened.storage.remove(objects.filter(({ bytes }) => bytes > 200_000).map(({ key }) => key));
    const programs = () => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;
    const before = programs();
    await expect(repository.extract(manifest, onlyArtifact(manifest), target)).rejects.toThrow(/does not exist/);
    await until('no program is left', () => programs() <= before);
  });

  test('brings back one path of a tree', async () => {
    const [root, target] = [join(work, 'some'), join(work, 'one')];
    await mkdir(join(root, 'folder'), { recursive: true });
    await mkdir(target);
    await writeFile(join(root, 'folder/file'), 'wanted');
    await writeFile(join(root, 'other'), 'unwanted');
    const address = newAddress('path');
    await using writer = await repository.begin(address);
    const manifest = manifestOf(address, [artifactOf(files, await writer.putTree(files, { root, exclude: [] }))]);
    await writer.commit(manifest);
    await repository.extract(manifest, onlyArtifact(manifest), target, 'folder');
    expect(await readFile(join(target, 'folder/file'), 'utf8')).toBe('wanted');
    expect(execFileSync('ls', [target], { encoding: 'utf8' })).toBe('folder\n');
    await expect(repository.extract(manifest, onlyArtifact(manifest), target, 'folder/none')).rejects.toThrow('not in this artifact');
    for (const path of [undefined, 'folder', 'folder/file', 'other']) await repository.prove(manifest, onlyArtifact(manifest), path);
    await expect(repository.prove(manifest, onlyArtifact(manifest), 'fold')).rejects.toBeInstanceOf(AbsentPath);
  });

  test('tells a tree that is one file from a folder, whatever their names and attributes', async () => {
    const root = join(work, 'kinds');
    await mkdir(join(root, 'x'.repeat(200), 'same/same'), { recursive: true });
    const address = newAddress('kinds');
    await using writer = await repository.begin(address);
    const [folder, long] = [join(root, 'x'.repeat(200), 'same'), join(root, 'y'.repeat(200))];
    await writeFile(long, 'text');
    execFileSync('setfattr', ['-n', 'user.long', '-v', 'v'.repeat(2000), long]);
    const manifest = manifestOf(address, [
      artifactOf(files, await writer.putTree(files, { root: folder, exclude: [] })),
      artifactOf(
        { ...files, name: 'files/y' },
        await writer.putTree({ ...files, name: 'files/y' }, { root: long, exclude: [], file: 'y'.repeat(200) }),
      ),
    ]);
    await writer.commit(manifest);
    expect(await Promise.all(manifest.artifacts.map((one) => repository.isFile(manifest, one)))).toEqual([false, true]);
  });

  test('a tree that cannot be read leaves nothing', async () => {
    await using writer = await repository.begin(newAddress('unread'));
    await expect(writer.putTree(files, { root: join(work, 'absent'), exclude: [] })).rejects.toThrow(/no such file/i);
    expect(await Array.fromAsync(opened.storage.list('unread'))).toEqual([]);
  });
});
