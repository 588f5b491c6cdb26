import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export const appImage = 'davit-test/app';

/** Every container of a test carries it, so that a broken-off run can be cleaned by hand. */
export const testLabel = 'davit-test.container=docker';

/** The docker CLI; resolves with its stdout. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('docker', [...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** Whether a test image is here: some need what not every machine has, and `scripts/images.sh` has said so. */
export async function isBuilt(name: string): Promise<boolean> {
  return (await docker('image', 'ls', '--quiet', `davit-test/${name}`)) !== '';
}

export interface TestContainer extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  /** Runs a shell line inside; resolves with its stdout whatever its exit code. */
  sh(line: string): Promise<string>;
  /** Command lines of everything that runs inside. */
  processes(): Promise<string[]>;
}

/** `options` go before the image, `command` after it. */
export async function startContainer({
  image = appImage,
  options = [],
  command = [],
}: {
  readonly image?: string;
  readonly options?: readonly string[];
  readonly command?: readonly string[];
} = {}): Promise<TestContainer> {
  const name = `davit-test-${randomUUID().slice(0, 8)}`;
  const id = await docker('run', '-d', '--name', name, '--label', testLabel, ...options, image, ...command);
  return {
    id,
    name,
    sh: (line) => docker('exec', id, 'sh', '-c', `{ ${line}\n} || true`),
    async processes() {
      const lines = await docker('top', id, '-eo', 'pid,stat,args');
      return lines
        .split('\n')
        .slice(1)
        .filter((line) => !/^\s*\d+\s+Z/.test(line));
    },
    async [Symbol.asyncDispose]() {
      await docker('rm', '-f', '-v', id).catch(() => '');
    },
  };
}

/** Waits for a condition, not for a time. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, limitMs = 20_000): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await delay(100);
  }
}

export interface Program {
  /** Resolves when the program has written this on stdout. */
  said(text: string): Promise<void>;
  /** SIGKILL: no handler runs. */
  kill(): void;
}

/** Another process that speaks to Docker with our code, so that it can be killed. */
export function runProgram(code: string): Program {
  const imports = `
    import { Readable } from 'node:stream';
    import { createDocker } from '${new URL('../../src/docker/dockerode.ts', import.meta.url).href}';`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', `${imports}\n${code}\nsetInterval(() => {}, 1000);`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  return {
    said: (text) => until(`the program says ${text}`, () => stdout.includes(text)),
    kill: () => void child.kill('SIGKILL'),
  };
}
