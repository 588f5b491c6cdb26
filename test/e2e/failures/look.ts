import { execa } from 'execa';
import type { Manifest } from '../../../src/model/snapshot.ts';
import type { Outcome, TestStack } from '../../support/stack.ts';

/** Where containers reach the machine that the tests run on. */
export async function hostAddress(): Promise<string> {
  return (await execa('docker', ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'])).stdout;
}

/** What `davit backup --json` complains about. */
export function problemsOf({ stdout, stderr }: Outcome): string[] {
  if (!stdout.startsWith('[')) return [stderr.split('\n').findLast((line) => line.startsWith('davit: ')) ?? stderr];
  const outcomes = JSON.parse(stdout) as { manifest?: Manifest; error?: string }[];
  return outcomes.flatMap(({ manifest, error }) => [
    ...(error === undefined ? [] : [error]),
    ...(manifest?.failures ?? []).map((failure) => `${failure.service}/${failure.source}: ${failure.error}`),
  ]);
}

export async function folderOf(volume: string): Promise<string> {
  return (await execa('docker', ['volume', 'inspect', '--format', '{{.Mountpoint}}', volume])).stdout;
}

interface State {
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
}

export async function states(stack: TestStack): Promise<State[]> {
  const { stdout } = await stack.compose('ps', '--all', '--format', 'json');
  return stdout.split('\n').map((line) => JSON.parse(line) as State);
}

export function isUp({ State, Health }: State): boolean {
  return State === 'running' && (Health === 'healthy' || Health === '');
}
