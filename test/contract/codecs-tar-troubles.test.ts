import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packTree, unpackTree } from '../../src/codecs/tar.ts';
import { DavitError } from '../../src/model/errors.ts';
import { noise, streamOf } from '../support/bytes.ts';
import { children, until } from '../support/processes.ts';
import { reasonOf } from '../support/reason.ts';

let work: string;
let root: string;
let target: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'davit-tar-'));
  root = join(work, 'root');
  target = join(work, 'target');
  await mkdir(root);
  await mkdir(target);
});
afterEach(() => rm(work, { recursive: true, force: true }));

async function write(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), `content of ${name}`);
  }
}

async function unpacked(): Promise<string[]> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))
    .toSorted();
}

describe('a tree that changes while it is packed', () => {
  const big = 16 * 1024 * 1024;
  const names = ['a', 'b', 'c', 'd'];

  /** Nobody reads: tar stands still in the middle of one of the big files. */
  async function standStill() {
    for (const name of names) await writeFile(join(root, name), noise(big));
    const packed = packTree({ root, exclude: [] });
    const current = await until(() =>
      children()
        .filter(({ argv }) => argv.startsWith('tar '))
        .flatMap(({ pid }) => openFiles(pid))
        .find((path) => names.includes(basename(path))),
    );
    return { ...packed, current };
  }

  function openFiles(pid: number): string[] {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  }

  test('a file that shrinks is a warning, and the rest is whole', async () => {
    const { stream, warnings, current } = await standStill();
    await truncate(current, 1000);
    await pipeline(stream, unpackTree(target));
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatch(new RegExp(`^${basename(current)}: File shrank by \\d+ bytes`));
    for (const name of names.filter((name) => name !== basename(current))) {
      expect((await readFile(join(target, name))).equals(noise(big))).toBe(true);
    }
  });

  test('a file that grows is a warning', async () => {
    const { stream, warnings, current } = await standStill();
    await appendFile(current, 'more');
    await pipeline(stream, unpackTree(target));
    expect(warnings()).toEqual([`${basename(current)}: file changed as we read it`]);
  });

  test('files that vanish are warnings', async () => {
    const { stream, warnings, current } = await standStill();
    const others = names.filter((name) => name !== basename(current));
    for (const name of others) await unlink(join(root, name));
    await pipeline(stream, unpackTree(target));
    expect(await unpacked()).toEqual([basename(current)]);
    for (const name of others) expect(warnings().join('\n')).toContain(`${name}: File removed before we read it`);
  });

  test('an abort ends tar', async () => {
    const controller = new AbortController();
    for (const name of names) await writeFile(join(root, name), noise(big));
    const { stream } = packTree({ root, exclude: [] }, controller.signal);
    const reason = reasonOf(pipeline(stream, unpackTree(target, undefined, controller.signal)));
    controller.abort();
    expect((await reason).name).toBe('AbortError');
    await until(() => children().every(({ argv }) => !argv.startsWith('tar ')));
  });
});

describe('errors', () => {
  test('a tree that is not there', async () => {
    await expect(buffer(packTree({ root: join(work, 'absent'), exclude: [] }).stream)).rejects.toThrow(/absent.*No such file/);
  });

  test('a file that may not be read', async () => {
    await write('open', 'closed');
    await chown(join(root, 'closed'), 1234, 1234);
    await chmod(join(root, 'closed'), 0o600);
    // Even root needs these two capabilities to read what belongs to others.
    const script = `
      import { packTree } from ${JSON.stringify(join(process.cwd(), 'src/codecs/tar.ts'))};
      packTree({ root: ${JSON.stringify(root)}, exclude: [] }).stream.resume().on('error', (error) => console.log(error.message)).on('end', () => console.log('ended'));`;
    const without = ['--bounding-set=-dac_override,-dac_read_search', process.execPath, '--input-type=module', '--eval', script];
    expect(execFileSync('setpriv', without, { encoding: 'utf8' })).toMatch(/closed: Cannot open: Permission denied/);
  });

  test.for([0.1, 0.5, 0.9])('an archive cut at %f of its length', async (fraction) => {
    await write('one');
    await writeFile(join(root, 'big'), noise(3_000_000));
    const archive = await buffer(packTree({ root, exclude: [] }).stream);
    await expect(pipeline(streamOf(archive.subarray(0, Math.floor(archive.length * fraction))), unpackTree(target))).rejects.toThrow(
      DavitError,
    );
  });

  test('something that is no archive', async () => {
    await expect(pipeline(streamOf(noise(1_000_000)), unpackTree(target))).rejects.toThrow(DavitError);
  });

  test('a target that is not there', async () => {
    await write('one');
    await expect(pipeline(packTree({ root, exclude: [] }).stream, unpackTree(join(work, 'absent')))).rejects.toThrow(/absent/);
  });
});
