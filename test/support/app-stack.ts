import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { overrideFor } from '../../scripts/stand-ins.ts';
import type { Manifest } from '../../src/model/snapshot.ts';
import { docker, until } from './docker.ts';
import { password } from './restic.ts';
import { davitImage, format, inResticFormat, openStack, passwordFile, type TestStack } from './stack.ts';

/** The stacks of compose-examples, with stand-ins for the vendors' images. Their apps write all the time and tell what they do. */

export interface AppOptions {
  /** Of Davit. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Instead of those in the example's `.env`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** More of single services. `folder` is there for as long as the stack. */
  readonly services?: (folder: string) => Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export async function openApp(
  example: string,
  { environment = {}, variables = {}, services = () => ({}) }: AppOptions = {},
): Promise<TestStack> {
  const file = join(import.meta.dirname, `../../compose-examples/${example}/compose.yaml`);
  const folder = await mkdtemp(join(tmpdir(), 'davit-app-'));
  const [standIns, ours] = [join(folder, 'stand-ins.json'), join(folder, 'test.yaml')];
  const override = overrideFor(file);
  await writeFile(standIns, override);
  const { services: replaced } = JSON.parse(override) as { services: Record<string, object> };
  const more = services(folder);
  // Fixed names and ports would meet those of another stack on this machine.
  const own = Object.keys(replaced).map((name) => [name, { container_name: '!reset', ports: '!reset', ...more[name] }] as const);
  const isRestic = format === 'restic';
  if (isRestic) await writeFile(join(folder, 'davit-password'), password);
  const davit = {
    container_name: '!reset',
    image: davitImage,
    environment: { DAVIT_SCHEDULE: '0 0 1 1 *', ...environment, ...(isRestic ? inResticFormat(environment) : {}) },
    ...(isRestic ? { volumes: [`${folder}/davit-password:${passwordFile}:ro`] } : {}),
  };
  const text = JSON.stringify({ services: { ...Object.fromEntries(own), davit } });
  await writeFile(ours, text.replaceAll('"!reset"', '!reset null'));
  return openStack({
    project: `davit-test-${example}-${randomUUID().slice(0, 8)}`,
    files: [file, standIns, ours],
    variables,
    remove: () => rm(folder, { recursive: true, force: true }),
  });
}

/** A line of an app's log. */
export interface Deed {
  /** Milliseconds. */
  readonly at: number;
  readonly did: string;
  readonly [more: string]: unknown;
}

/** Everything that an app has told since its container was made. */
export async function deeds(stack: TestStack, service: string): Promise<Deed[]> {
  return (await docker('logs', await stack.container(service)))
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Deed] : []));
}

/** Until the app has written again. */
export async function serves(stack: TestStack, service: string, times = 1): Promise<void> {
  const start = Date.now();
  const isNew = ({ at, did }: Deed): boolean => did === 'write' && at >= start;
  await until(`${service} serves`, async () => (await deeds(stack, service)).filter(isNew).length >= times, 60_000);
}

/** While the sources were captured the app wrote nothing, and the manifest says how long it was stopped. */
export async function expectStandstill(stack: TestStack, service: string, manifest: Manifest): Promise<void> {
  const { from, to } = captured(manifest);
  const done = await deeds(stack, service);
  const writes = done.filter(({ did }) => did === 'write');
  expect(writes.filter(({ at }) => at < from).length).toBeGreaterThan(0);
  expect(writes.filter(({ at }) => at >= from && at <= to)).toEqual([]);
  expect(done.findLast(({ did, at }) => did === 'stop' && at <= from)).toBeDefined();
  const stood = await standstillMs(await stack.container(service));
  const told = manifest.downtimeMs[service] ?? 0;
  expect(told).toBeGreaterThanOrEqual(stood);
  // Docker takes its time before and after, more of it on a busy machine.
  expect(told).toBeLessThan(stood + 20_000);
}

/** Between the last end of a container's process and its last start. */
async function standstillMs(container: string): Promise<number> {
  const format = '{{.State.FinishedAt}} {{.State.StartedAt}}';
  const [ended = NaN, started = NaN] = (await docker('inspect', '--format', format, container)).split(' ').map(Date.parse);
  return started - ended;
}

/** From the first dump's start to the last tree's end. Davit's own folder does not matter. */
export function captured({ artifacts }: Manifest): { from: number; to: number } {
  const own = artifacts.filter(({ service }) => service !== 'davit');
  return {
    from: Math.min(...own.map(({ startedAt }) => Date.parse(startedAt))),
    to: Math.max(...own.map(({ endedAt }) => Date.parse(endedAt))),
  };
}

/** The services of the example as after `docker compose create`, and Davit. */
export async function createApp(example: string, options: AppOptions): Promise<TestStack> {
  const stack = await openApp(example, options);
  await stack.compose('create');
  await stack.up('davit');
  return stack;
}
