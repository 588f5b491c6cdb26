import { setTimeout as delay } from 'node:timers/promises';
import { docker, startContainer } from './docker.ts';

export const s3Images = ['davit-test/s3-fast', 'davit-test/s3'] as const;
export type S3Image = (typeof s3Images)[number];

export interface S3Server extends AsyncDisposable {
  readonly endpoint: URL;
  readonly bucket: string;
  /** AWS's variables for this server. */
  environmentFor(endpoint?: URL): Record<string, string>;
}

const startTimeoutMs = 90_000;

/** moto is quick and trusts everybody; radosgw is a real S3 that checks signatures. `scripts/images.sh s3 s3-fast` makes both. */
export async function startS3(image: S3Image, bucket = 'backups', quota?: string): Promise<S3Server> {
  const keys = { AWS_ACCESS_KEY_ID: 'test-key', AWS_SECRET_ACCESS_KEY: 'test-secret-key' };
  const variables = {
    S3_ACCESS_KEY: keys.AWS_ACCESS_KEY_ID,
    S3_SECRET_KEY: keys.AWS_SECRET_ACCESS_KEY,
    S3_BUCKET: bucket,
    S3_QUOTA: quota ?? '',
  };
  const options = Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const container = await startContainer({ image, options: [...options, '--publish', '127.0.0.1::9000'] });
  try {
    await becomeHealthy(container.id);
    const endpoint = new URL(`http://${(await docker('port', container.id, '9000/tcp')).split('\n')[0]}`);
    return {
      endpoint,
      bucket,
      environmentFor: (via = endpoint) => ({ ...keys, AWS_ENDPOINT_URL_S3: via.origin }),
      [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
    };
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

async function becomeHealthy(id: string): Promise<void> {
  for (const startedAt = Date.now(); ;) {
    const health = await docker('inspect', '--format', '{{.State.Health.Status}}', id);
    if (health === 'healthy') return;
    if (health === 'unhealthy' || Date.now() - startedAt > startTimeoutMs) throw new Error(`the S3 server ${id} is ${health}`);
    await delay(100);
  }
}
