import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type $Command,
  type S3ClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import { addAbortSignal, type Readable } from 'node:stream';
import pLimit from 'p-limit';
import { DavitError } from '../model/errors.ts';
import { retry } from './retry.ts';
import { download, type Body } from './s3-download.ts';
import { hasCode, isTransient, knowsNoBatches, positionAfter, s3Error } from './s3-errors.ts';
import { attemptsOf, placeOf, readSettings, rootOf, type S3Options } from './s3-settings.ts';
import { upload, type Receipt, type UploadRequests } from './s3-upload.ts';
import type { Storage, StoredObject } from './storage.ts';

export type { S3Options };

const deletesPerRequest = 1000;
const parallelDeletes = 8;
/** Docker gives Davit ten seconds to stop. */
const abortTimeoutMs = 3000;

export function createS3Storage(options: S3Options): Storage {
  const { bucket: Bucket, patienceMs = 90_000 } = options;
  const { client, endpoint } = createClient(options);
  const root = rootOf(options);
  const location = placeOf(options, root);
  const below = (path: string) => root + (path === '' ? '' : `${path}/`);

  async function send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: $Command<Input, Output, S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>,
    signal?: AbortSignal,
  ): Promise<Output> {
    const { Key } = command.input as { Key?: string };
    const once = () => client.send(command, signal ? { abortSignal: signal } : {});
    return retry(once, { patienceMs, ...attemptsOf(options.environment), isTransient, signal }).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : s3Error(error, Key === undefined ? location : placeOf(options, Key));
    });
  }

  async function tryBriefly(command: AbortMultipartUploadCommand | DeleteObjectCommand): Promise<void> {
    const signal = AbortSignal.timeout(abortTimeoutMs);
    const once = () => client.send(command as AbortMultipartUploadCommand, { abortSignal: signal });
    await retry(once, { patienceMs: abortTimeoutMs, isTransient, signal }).catch(() => undefined);
  }

  function uploadRequests(Key: string): UploadRequests {
    const object = { Bucket, Key };
    const content = (body: Buffer, md5: Buffer) => ({
      ...object,
      Body: body,
      ContentLength: body.length,
      ContentMD5: md5.toString('base64'),
    });
    const receiptOf = (answer: { ETag?: string | undefined; ServerSideEncryption?: string | undefined }): Receipt => ({
      etag: answer.ETag,
      mayBeMd5: !answer.ServerSideEncryption?.startsWith('aws:kms'),
      isChecked: endpoint === undefined,
    });
    return {
      put: async (body, md5, signal) => receiptOf(await send(new PutObjectCommand(content(body, md5)), signal)),
      async create(signal) {
        const { UploadId } = await send(new CreateMultipartUploadCommand(object), signal);
        if (UploadId) return UploadId;
        throw new DavitError({ where: location, what: 'the storage began an upload without an id', fix: 'use another S3 server' });
      },
      putPart: async (UploadId, PartNumber, body, md5, signal) =>
        receiptOf(await send(new UploadPartCommand({ ...content(body, md5), UploadId, PartNumber }), signal)),
      async complete(UploadId, etags, signal) {
        const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
        const request = new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts } });
        const answer = await send(request, signal).catch((error: Error) => {
          // The answer to an attempt that succeeded may have been lost.
          if (!hasCode(error.cause, 'NoSuchUpload')) throw error;
          return send(new HeadObjectCommand(object), signal);
        });
        return receiptOf(answer).mayBeMd5 ? answer.ETag : undefined;
      },
      // What these do not reach, `sweep` removes.
      abort: (UploadId) => tryBriefly(new AbortMultipartUploadCommand({ ...object, UploadId })),
      remove: () => tryBriefly(new DeleteObjectCommand(object)),
    };
  }

  async function get(key: string, signal?: AbortSignal): Promise<Readable> {
    const where = placeOf(options, root + key);
    async function open(from: number, etag?: string): Promise<Body> {
      const rest = from === 0 ? {} : { Range: `bytes=${from}-`, IfMatch: etag };
      const { ContentRange, ContentLength, ETag, Body } = await send(new GetObjectCommand({ Bucket, Key: root + key, ...rest }), signal);
      if (from === 0 || ContentRange?.startsWith(`bytes ${from}-`)) return { chunks: Body as Readable, bytes: ContentLength, etag: ETag };
      throw new DavitError({ where, what: 'the storage cannot continue a broken download', fix: 'use another S3 server' });
    }
    const stream = download(where, await open(0), open);
    return signal ? addAbortSignal(signal, stream) : stream;
  }

  async function* list(path: string): AsyncGenerator<StoredObject> {
    const Prefix = below(path);
    let position: string | undefined;
    do {
      const answer = await send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: position }));
      for (const { Key, Size = 0, LastModified = new Date(0) } of answer.Contents ?? []) {
        // Some tools mark a folder with an object of that name.
        if (Key?.startsWith(Prefix) && !Key.endsWith('/')) yield { key: Key.slice(root.length), bytes: Size, modifiedAt: LastModified };
      }
      position = positionAfter(location, answer);
    } while (position !== undefined);
  }

  async function remove(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += deletesPerRequest) {
      const batch = keys.slice(start, start + deletesPerRequest).map((key) => root + key);
      const Delete = { Objects: batch.map((Key) => ({ Key })), Quiet: true };
      const answer = await send(new DeleteObjectsCommand({ Bucket, Delete })).catch((error: Error) => {
        if (!knowsNoBatches(error.cause)) throw error;
        return undefined;
      });
      const refused = answer ? (answer.Errors ?? []).flatMap(({ Key, Code }) => (Key && Code !== 'NoSuchKey' ? [Key] : [])) : batch;
      // One by one: where the server knows no batches, and to learn why it refused.
      const limit = pLimit(parallelDeletes);
      await Promise.all(refused.map((Key) => limit(() => send(new DeleteObjectCommand({ Bucket, Key })))));
    }
  }

  async function sweep(path: string, isDead: (key: string, startedAt: Date) => boolean): Promise<number> {
    const Prefix = below(path);
    let position: { KeyMarker: string; UploadIdMarker: string | undefined } | undefined;
    let swept = 0;
    do {
      const { Uploads, IsTruncated, NextKeyMarker, NextUploadIdMarker } = await send(
        new ListMultipartUploadsCommand({ Bucket, Prefix, ...position }),
      );
      for (const { Key, UploadId, Initiated = new Date() } of Uploads ?? []) {
        if (!Key?.startsWith(Prefix) || !isDead(Key.slice(root.length), Initiated)) continue;
        await send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch((error: Error) => {
          if (!hasCode(error.cause, 'NoSuchUpload')) throw error;
        });
        swept++;
      }
      position = IsTruncated && NextKeyMarker ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker } : undefined;
    } while (position !== undefined);
    return swept;
  }

  const put: Storage['put'] = (key, data, signal) => upload(uploadRequests(root + key), placeOf(options, root + key), data, signal);
  return { location, local: false, put, get, list, remove, sweep };
}

/** Keys of a profile, a container or a machine as variables; undefined when they expire and only the SDK itself can renew them. */
export async function exportCredentials(options: S3Options): Promise<Record<string, string> | undefined> {
  const { client } = createClient(options);
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await client.config.credentials().catch((error: unknown) => {
    throw s3Error(error, `s3://${options.bucket}`);
  });
  if (expiration) return undefined;
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken ? { AWS_SESSION_TOKEN: sessionToken } : {}),
  };
}

function createClient({ environment, idleTimeoutMs = 60_000 }: S3Options): { client: S3Client; endpoint: URL | undefined } {
  const settings = readSettings(environment);
  const client = new S3Client({
    ...settings,
    // Our own MD5 protects every body; the SDK would read it again for a checksum, and once more for the signature.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Otherwise every part gets a connection of its own.
    expectContinueHeader: false,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: idleTimeoutMs },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      const { method, headers } = args.request as { method: string; headers: Record<string, string> };
      if (method === 'PUT') headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', name: 'davitUnsignedPayload' },
  );
  return { client, endpoint: settings.endpoint === undefined ? undefined : new URL(settings.endpoint) };
}
