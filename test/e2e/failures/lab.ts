import { expect } from 'vitest';
import type { Manifest } from '../../../src/model/snapshot.ts';
import { createFilesystemStorage } from '../../../src/storage/filesystem.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { until } from '../../support/docker.ts';
import { type FaultyS3, startFaultyS3 } from '../../support/faulty-s3.ts';
import { type S3Image, startS3 } from '../../support/s3-server.ts';
import { createStack, type Outcome, type StackOptions, type TestStack } from '../../support/stack.ts';
import { layout } from './layout.ts';
import { folderOf, hostAddress, isUp, problemsOf, states } from './look.ts';

export interface Expected {
  readonly exitCode: 1 | 2 | 3;
  /** One of the errors must say all of this. */
  readonly says: readonly (string | RegExp)[];
  /** What a person would do before anything else: start what the fault has killed. */
  readonly repair?: () => Promise<unknown>;
  /** The storage could not be reached to remove what was stored: the next run does it. */
  readonly leaves?: 'remains';
}

/** A stack that has a good snapshot, and what must hold after every failure. */
export interface Lab extends AsyncDisposable {
  readonly stack: TestStack;
  /** What Davit stores into, seen past every fault. */
  readonly storage: Storage;
  /** Before Davit's S3 storage. */
  readonly s3: FaultyS3;
  /** `davit backup`, for as long as a fault needs. */
  backup(): Promise<Outcome>;
  /** A run that Davit survived to report: nothing of it is left but, with exit code 3, its marked snapshot. Then the next run succeeds. */
  fails(run: Outcome, expected: Expected): Promise<void>;
  /** A run that was killed left no snapshot behind, or so many incomplete ones. What else it left goes with the next run, which succeeds. */
  killed(incomplete?: number): Promise<void>;
  /** The newest good snapshot, which `latest` must name. */
  good(): Manifest;
  /** A run that must have been good; by default a new one. */
  succeeds(run?: Outcome): Promise<Manifest>;
  /** Every service runs and is as healthy as it can be. `ill`: this one runs. */
  runs(ill?: string): Promise<void>;
}

export interface LabOptions extends Partial<StackOptions> {
  readonly s3?: S3Image;
  /** Of the bucket, such as `20M`. */
  readonly quota?: string;
  /** Makes another stack than one of `services`. */
  readonly open?: (environment: Readonly<Record<string, string>>) => Promise<TestStack>;
  /** The set that is broken and mended, where the stack has several. */
  readonly set?: string;
  /** Fills the services before the first snapshot. */
  readonly seed?: (stack: TestStack) => Promise<unknown>;
}

export async function openLab({ s3, quota, seed, open, set, services = {}, ...options }: LabOptions): Promise<Lab> {
  await using rest = new AsyncDisposableStack();
  const server = s3 === undefined ? undefined : rest.use(await startS3(s3, undefined, quota));
  const proxy = server === undefined ? undefined : rest.use(await startFaultyS3(server.endpoint, await hostAddress()));
  const place =
    server === undefined || proxy === undefined
      ? {}
      : { DAVIT_STORAGE: `s3://${server.bucket}`, AWS_MAX_ATTEMPTS: '3', ...server.environmentFor(proxy.endpoint) };
  const environment = { ...place, ...options.environment };
  const stack = rest.use(await (open === undefined ? createStack({ ...options, services, environment }) : open(environment)));
  await stack.up();
  await seed?.(stack);
  const storage = server
    ? createS3Storage({ bucket: server.bucket, prefix: '', environment: server.environmentFor() })
    : createFilesystemStorage(await folderOf(`${stack.project}_backups`));
  const only = set === undefined ? [] : ['--set', set];
  const backup = (): Promise<Outcome> => stack.davit('backup', ...only, '--json');
  let good = goodOne(await backup());
  const held = rest.move();

  const lab: Lab = {
    stack,
    storage,
    get s3() {
      if (proxy === undefined) throw new Error('this stack stores into a directory');
      return proxy;
    },
    backup,
    good: () => good,
    async succeeds(run) {
      const known = good;
      good = goodOne(run ?? (await backup()));
      expect(good.sequence).toBeGreaterThan(known.sequence);
      await settled({ manifests: await layout.manifests(storage), latest: good.id }, 0);
      return good;
    },
    async fails(run, { exitCode, says, repair, leaves }) {
      const problems = problemsOf(run);
      expect(run.exitCode, problems.join('\n')).toBe(exitCode);
      const isAbout = (problem: string): boolean =>
        says.every((word) => (typeof word === 'string' ? problem.includes(word) : word.test(problem)));
      expect(problems, says.join(' ')).toSatisfy((all: string[]) => all.some(isAbout));
      await repair?.();
      await settled(await listed(), exitCode === 3 ? 1 : 0, leaves);
      await lab.succeeds();
    },
    async killed(incomplete = 0) {
      const { manifests, latest } = await listed();
      expect(latest).toBe(good.id);
      expect(newer(manifests)).toEqual(Array.from({ length: incomplete }, () => 'incomplete'));
      await lab.succeeds();
    },
    async runs(ill) {
      const runs = (state: Awaited<ReturnType<typeof states>>[number]): boolean =>
        state.Service === ill ? state.State === 'running' : isUp(state);
      await until('every service runs', async () => (await states(stack)).every(runs), 60_000);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };

  /** As a person sees them, after every failure. */
  async function listed(): Promise<{ manifests: Manifest[]; latest: string }> {
    const [manifests, latest] = await Promise.all([
      stack.json<Manifest[]>(['list', ...only]),
      stack.json<Manifest>(['show', 'latest', ...only]),
    ]);
    return { manifests, latest: latest.id };
  }

  function newer(manifests: readonly Manifest[]): string[] {
    return manifests.filter(({ sequence }) => sequence > good.sequence).map(({ status }) => status);
  }

  /** What must hold as soon as a run has ended, however it ended. */
  async function settled(
    { manifests, latest }: { manifests: Manifest[]; latest: string },
    incomplete: number,
    leaves?: 'remains',
  ): Promise<void> {
    expect(latest).toBe(good.id);
    expect(newer(manifests)).toEqual(Array.from({ length: incomplete }, () => 'incomplete'));
    if (leaves === undefined) expect(await layout.discrepancies(storage, manifests)).toEqual([]);
    expect(await stack.leftovers()).toEqual([]);
    await lab.runs();
  }

  return lab;
}

function goodOne(run: Outcome): Manifest {
  expect(run.exitCode, problemsOf(run).join('\n')).toBe(0);
  const [outcome] = JSON.parse(run.stdout) as { manifest: Manifest }[];
  if (outcome?.manifest.status !== 'complete') throw new Error(`not complete: ${run.stdout}`);
  return outcome.manifest;
}
