import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The stack that is measured: an app with a volume, a database whose dump tool writes a prepared file, and Davit with the sink as its S3. */

export const project = 'davit-bench';
export const image = process.env['DAVIT_IMAGE'] ?? 'davit:dev';
const port = 9100;

export interface Lab extends Disposable {
  readonly endpoint: string;
  compose(...args: string[]): string;
  /** The command that a person types; the volume or the database alone. */
  backup(set: 'files' | 'dump'): string;
  /** Where the volume lies on this machine. */
  readonly volume: string;
}

export function docker(...args: string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/** Stand-ins for a server that answers and a tool that dumps: only Davit's own path is measured. */
const client = `#!/bin/sh
case "$*" in *information_schema.schemata*) echo '{"server":"11.8","accounts":0}'; echo '{"name":"bench","charset":"utf8mb4","collation":"utf8mb4_general_ci","unsafe":0}';; esac
`;

export async function startLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'davit-bench-'));
  const gateway = docker('network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Gateway}}');
  const endpoint = `http://${gateway}:${port}`;
  const sink = spawn(process.execPath, [join(import.meta.dirname, 'sink.ts'), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => sink.stdout.once('data', resolve));
  const keys = { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench-secret', AWS_ENDPOINT_URL_S3: endpoint };
  writeFileSync(
    join(folder, 'compose.json'),
    JSON.stringify({
      services: {
        app: { image: 'davit-test/app', volumes: ['data:/data'], labels: ['davit.set=files'] },
        db: {
          image: 'davit-test/app',
          environment: { MARIADB_ROOT_PASSWORD: 'bench' },
          labels: ['davit.set=dump'],
          volumes: ['dump:/dump'],
        },
        davit: {
          image,
          pull_policy: 'never',
          environment: { DAVIT_STORAGE: 's3://bench', DAVIT_KEEP: 'last=1', ...keys },
          volumes: ['/var/run/docker.sock:/var/run/docker.sock'],
        },
      },
      volumes: { data: {}, dump: {} },
    }),
  );
  const compose = (...args: string[]): string =>
    docker('compose', '--progress', 'quiet', '-p', project, '-f', join(folder, 'compose.json'), ...args);
  compose('up', '-d', '--wait');
  for (const [name, script] of [
    ['mariadb', client],
    ['mariadb-dump', `#!/bin/sh\n[ "$1" = --version ] && { echo bench; exit; }\nexec cat /dump/dump.sql\n`],
  ] as const) {
    execFileSync(
      'docker',
      ['exec', '-i', `${project}-db-1`, 'sh', '-c', `cat > /usr/local/bin/${name} && chmod +x /usr/local/bin/${name}`],
      { input: script },
    );
  }
  return {
    endpoint,
    compose,
    backup: (set) => `docker exec ${project}-davit-1 davit backup --set ${set}`,
    volume: docker('volume', 'inspect', `${project}_data`, '-f', '{{.Mountpoint}}'),
    [Symbol.dispose]() {
      compose('down', '-v', '--timeout', '3');
      sink.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Processes of Davit: its container, its workers, and what they start. */
export function isDavit(_: number, args: string): boolean {
  return args.includes('/app/dist/main.js');
}
