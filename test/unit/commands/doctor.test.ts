import { expect, test } from 'vitest';
import { doctor } from '../../../src/commands/doctor.ts';
import { DavitError } from '../../../src/model/errors.ts';
import type { Manifest } from '../../../src/model/snapshot.ts';
import { composeContainer, manifest, volume } from '../../support/builders.ts';
import { fakeContext, type FakeStack } from '../../support/fake-context.ts';

const app = composeContainer('app', { mounts: [volume('uploads', '/data')], labels: { 'davit.enable': 'true' } });
const refused = new DavitError({ where: 's3://bucket', what: 'access denied' });

interface Fault {
  readonly put?: DavitError;
  readonly note?: DavitError;
  readonly manifests?: Manifest[];
}

/** The diagnosis, and what was left behind. */
async function diagnosed(containers: FakeStack['containers'], { put, note, manifests = [manifest()] }: Fault = {}, environment = {}) {
  const left = new Set<string>();
  const context = fakeContext({ containers, environment });
  const writer = {
    put: async () => (put === undefined ? left.add('object') : Promise.reject(put)),
    abort: async () => left.delete('object'),
  };
  const docker = {
    ...context.docker,
    note: async (name: string) => (note === undefined ? (left.add(name), name) : Promise.reject(note)),
    remove: async (name: string) => left.delete(name),
  } as unknown as typeof context.docker;
  const repository = { begin: () => writer, list: async () => ({ manifests, damaged: [] }) } as unknown as typeof context.repository;
  const { findings, exitCode } = await doctor({ ...context, docker, repository });
  expect(left).toEqual(new Set());
  return { exitCode, bad: findings.filter(({ verdict }) => verdict === 'problem'), findings };
}

test('all is well, and nothing stays behind', async () => {
  const { exitCode, bad, findings } = await diagnosed([app], {}, { DAVIT_STORAGE: 's3://bucket/prefix' });
  expect([exitCode, bad]).toEqual([0, []]);
  expect(findings.map(({ about }) => about)).toEqual(
    expect.arrayContaining(['stack', 'worker', 'storage', 'set default', 'snapshots of default', 'schedule']),
  );
});

test.each([
  ['a storage that refuses', { put: refused }, [app], 1, 'storage'],
  ['a proxy that forbids containers', { note: refused }, [app], 1, 'worker'],
  ['a label that does not exist', {}, [composeContainer('app', { labels: { 'davit.fiels': '/x' } })], 2, 'labels'],
  ['no label at all', {}, [composeContainer('app')], 2, 'labels'],
] as const)('%s is a problem, and the rest is still tried', async (_, fault, containers, exitCode, about) => {
  const found = await diagnosed([...containers], fault);
  expect(found.exitCode).toBe(exitCode);
  expect(found.bad.map((finding) => finding.about)).toContain(about);
  expect(found.findings.at(-1)).toMatchObject({ about: 'schedule', verdict: 'ok' });
});

test('no snapshot yet, and a storage on this machine, are warnings', async () => {
  const { findings, exitCode } = await diagnosed([app], { manifests: [] });
  expect(exitCode).toBe(0);
  expect(findings.filter(({ verdict }) => verdict === 'warning').map(({ about }) => about)).toEqual(['storage', 'snapshots of default']);
});
