import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { overrideFor } from '../../scripts/stand-ins.ts';
import type { Plan } from '../../src/model/plan.ts';
import { type Example, examples } from '../support/examples.ts';
import { davitImage } from '../support/stack.ts';

interface Expected {
  /** `service/artifact` of everything that must be saved, by the manual of the vendor. */
  readonly saved: readonly string[];
  /** `service: what` of everything that need not be. */
  readonly left: readonly string[];
}

/** Written by hand, from the manuals that the README of each example names. */
const expected: Readonly<Record<string, Expected>> = {
  quickstart: {
    saved: ['shop-db/@accounts', 'shop-db/shop', 'stats-db/@roles', 'stats-db/postgres', 'stats-db/stats', 'app/files/data'],
    left: ['shop-db: /var/lib/mysql', 'stats-db: /var/lib/postgresql/data'],
  },
  nextcloud: {
    saved: ['db/@accounts', 'db/nextcloud', 'app/files/var/www/html'],
    left: ['db: /var/lib/mysql', 'cron: everything', 'redis: everything'],
  },
  vaultwarden: { saved: ['vaultwarden/files/data'], left: [] },
  gitea: {
    saved: ['db/@roles', 'db/gitea', 'db/postgres', 'server/files/data'],
    left: ['db: /var/lib/postgresql/data', 'server: /etc/localtime'],
  },
  immich: {
    saved: [
      'database/@roles',
      'database/immich',
      'database/postgres',
      'davit/files/project/.env',
      'davit/files/project/compose.yaml',
      'immich-server/files/data',
    ],
    left: [
      'database: /var/lib/postgresql/data',
      'davit: /backups',
      'davit: /var/run/docker.sock',
      'immich-machine-learning: everything',
      'immich-server: /etc/localtime',
      'redis: everything',
    ],
  },
  'paperless-ngx': {
    saved: [
      'db/@roles',
      'db/paperless',
      'db/postgres',
      'davit/files/project/compose.yaml',
      'davit/files/project/docker-compose.env',
      'webserver/files/usr/src/paperless/consume',
      'webserver/files/usr/src/paperless/data',
      'webserver/files/usr/src/paperless/media',
    ],
    left: [
      'broker: everything',
      'davit: /backups',
      'davit: /var/run/docker.sock',
      'db: /var/lib/postgresql',
      // The stand-in is PostgreSQL 17, whose image declares a volume one level deeper.
      'db: /var/lib/postgresql/data',
      'webserver: /usr/src/paperless/export',
    ],
  },
  wordpress: { saved: ['db/wordpress', 'wordpress/files/var/www/html'], left: ['db: /var/lib/mysql'] },
};

const present = new Set((await execa('docker', ['image', 'ls', '--format', '{{.Repository}}'])).stdout.split('\n'));

/** These have tests of their own, which go all the way through a restore. */
const elsewhere = new Set(['cytomine', 'owncloud', 'owncloud-sqlite', 'pydio-cells', 'seatable']);

test('every example is known here', () => {
  expect(examples.map(({ name }) => name).filter((name) => !elsewhere.has(name) && expected[name] === undefined)).toEqual([]);
});

test.for(Object.entries(expected))('%s: the plan is what the manual of the vendor says', async ([name, { saved, left }], { skip }) => {
  const example = examples.find((one) => one.name === name);
  if (example === undefined) throw new Error(`compose-examples has no folder ${name}`);
  await using stack = await createExample(example);
  skip(stack.missing.length > 0, `no image ${stack.missing.join(', ')}`);
  const { problems, sources, skipped } = await stack.plan();
  expect(problems).toEqual([]);
  expect(sources.map((source) => `${source.service}/${source.name}`).toSorted()).toEqual(saved.toSorted());
  expect(skipped.map(({ service, what }) => `${service}: ${what}`).toSorted()).toEqual(left.toSorted());
  expect(skipped.filter(({ why }) => why === '')).toEqual([]);
});

/** The stack of an example with stand-ins for its images, in a folder of its own, because bind mounts make folders. Only what the plan asks runs. */
async function createExample({ path, compose }: Example) {
  const folder = await mkdtemp(join(tmpdir(), 'davit-example-'));
  await cp(path, folder, { recursive: true });
  const override = JSON.parse(overrideFor(join(folder, 'compose.yaml'))) as { services: Record<string, { image: string }> };
  override.services['davit'] = { image: davitImage };
  await writeFile(join(folder, 'stand-ins.json'), JSON.stringify(override));
  const missing = Object.values(override.services).flatMap(({ image }) => (present.has(image.replace(/:.*/, '')) ? [] : [image]));
  const docker = (...args: readonly string[]) =>
    execa('docker', ['compose', '--progress', 'quiet', '-p', `davit-test-${basename(folder).toLowerCase()}`, ...args], {
      env: { COMPOSE_FILE: `${folder}/compose.yaml:${folder}/stand-ins.json` },
      stdin: 'ignore',
    });
  const asked = Object.entries(compose.services).filter(([name, { healthcheck }]) => name === 'davit' || healthcheck !== undefined);
  return {
    missing,
    async plan(): Promise<Plan> {
      await docker('create', '--pull', 'never');
      await docker('up', '--detach', '--wait', '--no-recreate', ...asked.map(([name]) => name));
      const [plan] = JSON.parse((await docker('exec', '-T', 'davit', 'davit', 'plan', '--json')).stdout) as [Plan];
      return plan;
    },
    async [Symbol.asyncDispose]() {
      await docker('down', '--volumes', '--timeout', '3');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
