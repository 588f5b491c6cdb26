import { DavitError } from '../model/errors.ts';
import { MissingObject } from './storage.ts';

/** Error shapes of the SDK and of Node's sockets, read without importing either. */
interface Shape {
  readonly name?: string;
  readonly Code?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const keys = 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
const endpoint = 'check AWS_ENDPOINT_URL_S3 and the network';
const server = 'check AWS_ENDPOINT_URL_S3 and DAVIT_STORAGE: whether a server that speaks S3 is there and has this bucket';
const certificate = 'mount the certificate of your authority and name it in NODE_EXTRA_CA_CERTS';
const space = 'free space there, or keep fewer snapshots (DAVIT_KEEP)';

const explanations: Readonly<Record<string, readonly [what: string, fix: string]>> = {
  NoSuchBucket: ['the bucket does not exist', 'create it, or correct DAVIT_STORAGE and AWS_ENDPOINT_URL_S3'],
  InvalidBucketName: ['this is not a valid bucket name', 'correct DAVIT_STORAGE'],
  AccessDenied: ['access denied', 'allow these credentials to list the bucket and to get, put and delete objects below the prefix'],
  InvalidAccessKeyId: ['the access key is not known there', keys],
  SignatureDoesNotMatch: ['the secret key is wrong', keys],
  CredentialsProviderError: ['no credentials were found', 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
  ExpiredToken: ['the credentials have expired', 'renew them'],
  InvalidToken: ['the session token is not valid', 'check AWS_SESSION_TOKEN'],
  PermanentRedirect: ['the bucket is in another region', 'set AWS_REGION to it'],
  AuthorizationHeaderMalformed: ['the bucket is in another region', 'set AWS_REGION to it'],
  RequestTimeTooSkewed: ["this machine's clock is wrong", 'correct the clock'],
  QuotaExceeded: ['the quota is used up', space],
  InsufficientStorage: ['the storage is full', space],
  XMinioStorageFull: ['the storage is full', space],
  BadDigest: ['the storage received other bytes than were sent', 'check the network and what lies between'],
  InvalidObjectState: ['it was moved to an archive', 'bring it back there, and let no lifecycle rule archive what lies below the prefix'],
  NotImplemented: ['the server does not know this request', 'use another S3 server'],
  ENOTFOUND: ['the name of the endpoint is not known', endpoint],
  EAI_AGAIN: ['the name of the endpoint cannot be looked up', endpoint],
  ECONNREFUSED: ['nothing listens at the endpoint', endpoint],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["the endpoint's certificate is not trusted", certificate],
  SELF_SIGNED_CERT_IN_CHAIN: ["the endpoint's certificate is not trusted", certificate],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["the endpoint's certificate is not trusted", certificate],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["the endpoint's certificate is not trusted", certificate],
  EPROTO: ['the endpoint does not speak TLS', 'check whether it is http:// or https://'],
};

const passing = new Set(
  [
    'RequestTimeout RequestTimeoutException SlowDown Throttling TooManyRequests InternalError OperationAborted',
    'RequestTimeTooSkewed BadDigest IncompleteBody TimeoutError SyntaxError',
    'ECONNRESET ECONNREFUSED ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENETDOWN ENOTFOUND EAI_AGAIN',
  ].flatMap((names) => names.split(' ')),
);

/** May go away by itself: overload, restarts, lost connections, an answer that was cut. */
export function isTransient(error: unknown): boolean {
  const { name, code, $metadata } = shapeOf(error);
  const status = $metadata?.httpStatusCode ?? 0;
  if (status === 501 || status === 505 || status === 507) return false;
  return status >= 500 || status === 429 || status === 408 || passing.has(name ?? '') || passing.has(code ?? '');
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const { name, code } = shapeOf(error);
  return codes.includes(name ?? '') || codes.includes(code ?? '');
}

/** What a person can do about it. Errors that are ours already, and those of the data's source, stay as they are. */
export function s3Error(error: unknown, where: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  // The SDK finds an empty variable itself, and does not take it for one that is not set.
  if (error.message === 'Region is missing' || error.message.startsWith('Region not accepted: region=""'))
    return new DavitError({ where, what: 'no region is set', fix: 'set AWS_REGION' }, { cause: error });
  if (error.message.startsWith('Region not accepted'))
    return new DavitError({ where, what: 'this is no name of a region', seen: error.message, fix: 'correct AWS_REGION' }, { cause: error });
  if (hasCode(error, 'NoSuchKey')) return new MissingObject({ where, what: 'does not exist' }, { cause: error });
  const { name = '', code = '', $metadata, $response } = shapeOf(error);
  const status = $metadata?.httpStatusCode;
  const known = explanations[code] ?? explanations[name] ?? (status === undefined ? undefined : explanations[codeOfStatus[status] ?? '']);
  if (error instanceof DavitError || (!known && status === undefined && !isTransient(error))) return error;
  const [what, fix] = known ?? [
    isTransient(error) ? 'the storage does not answer properly' : 'the storage refused',
    isTransient(error) ? endpoint : server,
  ];
  const region = $response?.headers?.['x-amz-bucket-region'];
  const seen = [
    status === undefined ? '' : `HTTP ${status}`,
    code || name,
    region ? `region ${region}` : '',
    error.message.split('\n', 1)[0]?.slice(0, 200) ?? '',
  ];
  return new DavitError(
    { where, what, seen: seen.filter((part) => part !== '' && part !== 'UnknownError').join(', '), fix },
    { cause: error },
  );
}

/** For answers without a body, such as those to HEAD. */
const codeOfStatus: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  403: 'AccessDenied',
  501: 'NotImplemented',
  507: 'InsufficientStorage',
};

function shapeOf(error: unknown): Shape {
  const shape = (typeof error === 'object' && error !== null ? error : {}) as Shape;
  return shape.Code === undefined
    ? shape
    : { ...shape, name: shape.Code, ...(shape.message === undefined ? {} : { message: shape.message }) };
}

/** What an answer to ListObjectsV2 tells of itself. */
interface Page {
  readonly Name?: string | undefined;
  readonly KeyCount?: number | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextContinuationToken?: string | undefined;
}

/** Where a list goes on; undefined: that was all. What is not listed would count as gone, so it is an error not to know. */
export function positionAfter(where: string, { Name, KeyCount, IsTruncated, NextContinuationToken }: Page): string | undefined {
  // The page of a website, or nothing, reads like the list of an empty bucket.
  if (Name === undefined && KeyCount === undefined && IsTruncated === undefined)
    throw new DavitError({ where, what: 'the storage answers with something that is no list', fix: server });
  if (!IsTruncated) return undefined;
  if (NextContinuationToken !== undefined) return NextContinuationToken;
  throw new DavitError({
    where,
    what: 'the storage lists a part of what it has, and not how to go on',
    fix: 'use another S3 server, or a newer one: it must know ListObjectsV2',
  });
}

/** The batch as such was refused, not its keys. */
export function knowsNoBatches(error: unknown): boolean {
  return hasCode(error, 'NotImplemented', 'MethodNotAllowed', 'InvalidRequest', 'MissingContentMD5', 'InvalidArgument', 'MalformedXML');
}
