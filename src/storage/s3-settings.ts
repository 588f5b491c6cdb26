import { configurationError } from '../model/errors.ts';

export interface S3Options {
  readonly bucket: string;
  /** Path segments; empty for the whole bucket. */
  readonly prefix: string;
  /** AWS's own variables: keys, region, endpoint. Keys that are not among them are found the way AWS's tools find them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long a fault may last, from its first sign; default 90 s. */
  readonly patienceMs?: number;
  /** Longest silence on a connection; default 60 s, because a slow line takes that long to drain what the kernel has buffered. */
  readonly idleTimeoutMs?: number;
}

/** What the variables say; what they leave open is left to AWS's own chain of files, containers and machines. */
export function readSettings(environment: S3Options['environment']) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment;
  const endpoint = environment['AWS_ENDPOINT_URL_S3'] || environment['AWS_ENDPOINT_URL'];
  if (endpoint && !(URL.canParse(endpoint) && /^https?:/i.test(endpoint)))
    throw configurationError({
      where: 'environment',
      what: 'the endpoint of S3 is no address',
      seen: endpoint,
      fix: 'write https://host or http://host:port',
    });
  // A server of one's own rarely cares, but the signature needs a region.
  const region = environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || (endpoint ? 'us-east-1' : undefined);
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  return {
    // Only AWS is sure to find a bucket by a host name of its own.
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(region ? { region } : {}),
    ...(isComplete(credentials) ? { credentials } : {}),
  };
}

/** What every key begins with. */
export function rootOf({ prefix }: S3Options): string {
  const segments = prefix.split('/').filter((segment) => segment !== '');
  return segments.map((segment) => `${segment}/`).join('');
}

/** An object, or all below a root, for people and logs. */
export function placeOf({ bucket, environment }: S3Options, key: string): string {
  const { endpoint } = readSettings(environment);
  return `s3://${bucket}/${key}`.replace(/\/$/, '') + (endpoint ? ` at ${new URL(endpoint).host}` : '');
}

/** As AWS's own tools read it; undefined leaves it to the patience. */
export function attemptsOf({ AWS_MAX_ATTEMPTS: attempts }: S3Options['environment']): { attempts?: number } {
  return Number(attempts) >= 1 ? { attempts: Number(attempts) } : {};
}

function isComplete<T extends { accessKeyId: string | undefined; secretAccessKey: string | undefined }>(
  credentials: T,
): credentials is T & { accessKeyId: string; secretAccessKey: string } {
  return Boolean(credentials.accessKeyId && credentials.secretAccessKey);
}
