import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createS3Storage } from '../src/storage/s3.ts';
import { startS3 } from '../test/support/s3-server.ts';

/** Where the repositories lie. */
export interface Place extends AsyncDisposable {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A new place of that name, as each side is told of it, and how much lies there. */
  open(name: string): { readonly davit: string; readonly restic: string; bytes(): Promise<number> };
  clear(): void;
}

const directory = {
  name: 'directory',
  async start(): Promise<Place> {
    const root = mkdtempSync(join(tmpdir(), 'davit-repositories-'));
    return {
      name: 'directory',
      environment: {},
      open(name) {
        const path = join(root, name);
        mkdirSync(path, { recursive: true });
        return { davit: path, restic: path, bytes: () => bytesBelow(path) };
      },
      clear: () => rmSync(root, { recursive: true, force: true }),
      [Symbol.asyncDispose]: async () => rmSync(root, { recursive: true, force: true }),
    };
  },
};

const s3 = {
  name: 's3',
  async start(): Promise<Place> {
    const server = await startS3('davit-test/s3');
    const environment = server.environmentFor();
    let round = 0;
    return {
      name: 's3',
      environment,
      open(name) {
        const prefix = `${round}/${name}`;
        return {
          davit: `s3://${server.bucket}/${prefix}`,
          restic: `s3:${server.endpoint.origin}/${server.bucket}/${prefix}`,
          async bytes() {
            const storage = createS3Storage({ bucket: server.bucket, prefix, environment });
            return (await Array.fromAsync(storage.list(''))).reduce((sum, one) => sum + one.bytes, 0);
          },
        };
      },
      clear: () => void (round += 1),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

export async function bytesBelow(path: string): Promise<number> {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);
}

export const places = [directory, s3];
