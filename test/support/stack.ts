import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Manifest } from '../../src/model/snapshot.ts';
import { password } from './restic.ts';

/** A compose file as data; only what tests use is typed. */
export interface ComposeService {
  readonly image: string;
  readonly [key: string]: unknown;
}

export interface StackOptions {
  readonly services: Readonly<Record<string, ComposeService>>;
  /** Named volumes; `backups` is added. */
  readonly volumes?: readonly string[];
  /** Variables of Davit's own service. */
  readonly environment?: Readonly<Record<string, string>>;
  /** More of Davit's own service: labels, volumes, networks. */
  readonly davit?: Readonly<Record<string, unknown>>;
  /** Top-level keys, such as networks or secrets. */
  readonly top?: Readonly<Record<string, unknown>>;
  readonly project?: string;
  /** Files beside the compose file, for secrets and binds: `./name`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly format?: Format;
}

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A stack with Davit in it, as a person would have it. Removed with everything it made when the test ends. */
export interface TestStack extends AsyncDisposable {
  readonly project: string;
  /** The compose file. */
  readonly file: string;
  compose(...args: readonly string[]): Promise<Outcome>;
  /** Brings services up and waits until they are healthy; without names, all of them. */
  up(...services: readonly string[]): Promise<void>;
  /** `docker compose exec davit davit …`: any exit code resolves. */
  davit(...args: readonly string[]): Promise<Outcome>;
  /** The same with `--json`; fails the test unless the exit code is the expected one. */
  json<T>(args: readonly string[], exitCode?: number): Promise<T>;
  /** Backs up and returns the manifest of the only set. */
  backup(exitCode?: number): Promise<Manifest>;
  restore(...args: readonly string[]): Promise<Outcome>;
  /** A shell line in a service, fed with `input`; fails the test when it fails. Returns its stdout without the last line break. */
  sh(service: string, line: string, input?: string): Promise<string>;
  container(service: string): Promise<string>;
  /** Removes services and their named volumes: the disaster. `backups` is not among them. */
  wipe(services: readonly string[], volumes: readonly string[]): Promise<void>;
  /** Containers that Davit made and left behind, workers and journals. */
  leftovers(): Promise<string[]>;
}

/** Another image can be tested beside the one that somebody else builds. */
export const davitImage = process.env['DAVIT_TEST_IMAGE'] ?? 'davit:dev';
const socket = '/var/run/docker.sock:/var/run/docker.sock';
const commandLimitMs = 300_000;

/** What the steps must not notice. DAVIT_TEST_FORMAT=restic runs every test of stacks that name no format in that one. */
export type Format = 'portable' | 'restic';
export const format: Format = process.env['DAVIT_TEST_FORMAT'] === 'restic' ? 'restic' : 'portable';
export const passwordFile = '/run/secrets/davit-password';

export async function createStack(options: StackOptions): Promise<TestStack> {
  const { services, volumes = [], davit = {}, top = {} } = options;
  const isRestic = (options.format ?? format) === 'restic';
  const environment = { ...options.environment, ...(isRestic ? inResticFormat(options.environment) : {}) };
  const files = { ...options.files, ...(isRestic ? { 'davit-password': `${password}\n` } : {}) };
  const project = options.project ?? `davit-test-${randomUUID().slice(0, 8)}`;
  const folder = await mkdtemp(join(tmpdir(), 'davit-stack-'));
  const file = join(folder, 'compose.json');
  const { volumes: ownVolumes = [], ...own } = davit as { volumes?: readonly string[] };
  const definition = {
    services: {
      ...services,
      davit: {
        image: davitImage,
        pull_policy: 'never',
        environment: { DAVIT_SCHEDULE: '0 0 1 1 *', ...environment },
        volumes: [
          ...(options.environment?.['DOCKER_HOST'] === undefined ? [socket] : []),
          ...(isRestic ? [`./davit-password:${passwordFile}:ro`] : []),
          'backups:/backups',
          ...ownVolumes,
        ],
        ...own,
      },
    },
    volumes: Object.fromEntries([...volumes, 'backups'].map((name) => [name, {}])),
    ...top,
  };
  await writeFile(file, JSON.stringify(definition));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return openStack({ project, files: [file], remove: () => rm(folder, { recursive: true, force: true }) });
}

/** The same places as they would be without it. */
export function inResticFormat(environment: Readonly<Record<string, string>> = {}): Record<string, string> {
  const places = Object.entries({ DAVIT_STORAGE: 'file:///backups', ...environment }).filter(([name]) => name.startsWith('DAVIT_STORAGE'));
  return { ...Object.fromEntries(places.map(([name, place]) => [name, `restic+${place}`])), DAVIT_PASSWORD_FILE: passwordFile };
}

export interface ComposeFiles {
  readonly project: string;
  readonly files: readonly [string, ...string[]];
  /** What the files leave to the environment. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Runs when the stack is gone. */
  remove(): Promise<void>;
}

/** A stack of compose files that are there. Nothing is started. */
export function openStack({ project, files, variables = {}, remove }: ComposeFiles): TestStack {
  const compose = (...args: readonly string[]): Promise<Outcome> => fed(undefined, ...args);

  async function fed(input: string | undefined, ...args: readonly string[]): Promise<Outcome> {
    const result = await execa(
      'docker',
      ['compose', '--progress', 'quiet', '-p', project, ...files.flatMap((file) => ['-f', file]), ...args],
      {
        reject: false,
        env: variables,
        timeout: commandLimitMs,
        ...(input === undefined ? { stdin: 'ignore' } : { input }),
      },
    );
    return { exitCode: result.exitCode ?? 255, stdout: result.stdout, stderr: result.stderr };
  }

  async function must(what: string, outcome: Promise<Outcome>, exitCode = 0): Promise<Outcome> {
    const result = await outcome;
    if (result.exitCode !== exitCode)
      throw new Error(
        `${what}: exit code ${result.exitCode} instead of ${exitCode}\n${result.stdout.slice(-4000)}\n${result.stderr.slice(-4000)}`,
      );
    return result;
  }

  const stack: TestStack = {
    project,
    file: files[0],
    compose,
    up: async (...names) => void (await must('up', compose('up', '-d', '--wait', ...names))),
    davit: (...args) => compose('exec', '-T', 'davit', 'davit', ...args),
    json: async <T>(args: readonly string[], exitCode = 0) =>
      JSON.parse((await must(`davit ${args.join(' ')}`, stack.davit(...args, '--json'), exitCode)).stdout) as T,
    async backup(exitCode = 0) {
      const [outcome] = await stack.json<{ manifest: Manifest }[]>(['backup'], exitCode);
      if (outcome === undefined) throw new Error('no set was backed up');
      return outcome.manifest;
    },
    restore: (...args) => must(`davit restore ${args.join(' ')}`, stack.davit('restore', ...args, '--yes')),
    sh: async (service, line, input) => (await must(`${service}: ${line}`, fed(input, 'exec', '-T', service, 'sh', '-c', line))).stdout,
    container: async (service) => (await must('ps', compose('ps', '-a', '-q', service))).stdout.trim(),
    async wipe(names, lost) {
      await must('rm', compose('rm', '-s', '-f', '-v', ...names));
      await execa('docker', ['volume', 'rm', ...lost.map((name) => `${project}_${name}`)]);
    },
    leftovers: () => madeByDavit('worker', 'journal'),
    async [Symbol.asyncDispose]() {
      await compose('--profile', '*', 'down', '-v', '--remove-orphans', '--timeout', '3');
      const left = await madeByDavit('worker', 'journal', 'half-restored');
      if (left.length > 0) await execa('docker', ['rm', '-f', ...left]);
      await remove();
    },
  };
  return stack;

  async function madeByDavit(...kinds: readonly string[]): Promise<string[]> {
    const named = kinds.map(async (kind) => {
      const filter = `label=io.davit.${kind}=${project}`;
      return (await execa('docker', ['ps', '-a', '--filter', filter, '--format', '{{.Names}}'])).stdout.split('\n');
    });
    return (await Promise.all(named)).flat().filter((name) => name !== '');
  }
}
